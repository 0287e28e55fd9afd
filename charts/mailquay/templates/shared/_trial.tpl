{{/* State inside the chart, for trials alone: one pod, one volume, no copy. */}}

{{/*
A StatefulSet of one, its Service and its policy. Takes `root`, `name`, `program` (what the image is asked
to run), `port`, `passwordKey` and `values`.
*/}}
{{- define "mailquay.trial" -}}
{{- $parts := dict "root" .root "pod" .values -}}
apiVersion: v1
kind: Service
{{ include "mailquay.metadata" . }}
spec:
  clusterIP: None
  selector:
    {{- include "mailquay.selectorLabels" . | nindent 4 }}
  ports:
    - name: {{ .program }}
      port: {{ .port }}
      targetPort: {{ .program }}
      protocol: TCP
---
apiVersion: apps/v1
kind: StatefulSet
{{ include "mailquay.metadata" . }}
spec:
  replicas: 1
  serviceName: {{ include "mailquay.fullname" .root }}-{{ .name }}
  selector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "mailquay.selectorLabels" . | nindent 8 }}
        {{- with .root.Values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "mailquay.serviceAccountName" .root }}
      {{- include "mailquay.podBasics" $parts | nindent 6 }}
      terminationGracePeriodSeconds: 60
      containers:
        - name: {{ .program }}
          image: {{ include "mailquay.image" (dict "root" .root "name" "trial" "image" .root.Values.trial.image) }}
          imagePullPolicy: {{ default .root.Values.image.pullPolicy .root.Values.trial.image.pullPolicy }}
          securityContext:
            {{- include "mailquay.containerSecurityContext" . | nindent 12 }}
          args: [{{ .program }}]
          ports:
            - name: {{ .program }}
              containerPort: {{ .port }}
          env:
            - name: MAILQUAY_TRIAL_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: {{ include "mailquay.secretName" .root }}
                  key: {{ .passwordKey }}
          startupProbe:
            tcpSocket:
              port: {{ .program }}
            periodSeconds: 2
            failureThreshold: 150
          livenessProbe:
            tcpSocket:
              port: {{ .program }}
            periodSeconds: 10
            failureThreshold: 6
          readinessProbe:
            tcpSocket:
              port: {{ .program }}
            periodSeconds: 5
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /var/lib/mailquay
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 1Gi
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .values.storageClass }}
        storageClassName: {{ . | quote }}
        {{- end }}
        resources:
          requests:
            storage: {{ .values.size }}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "mailquay.metadata" . }}
spec:
  podSelector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "mailquay.name" .root }}
              app.kubernetes.io/instance: {{ .root.Release.Name }}
      ports:
        - port: {{ .program }}
          protocol: TCP
  egress: []
{{- end }}
{{- end -}}

{{/* A service's Deployment. Takes its context: `root`, `name`, `key` and `values`. */}}

{{- define "mailquay.deployment" -}}
{{- $pod := .values -}}
{{- $parts := dict "root" .root "pod" $pod "hasBodies" true "selector" (include "mailquay.selectorLabels" .) -}}
apiVersion: apps/v1
kind: Deployment
{{ include "mailquay.metadata" (merge (dict "annotations" $pod.annotations "extraLabels" $pod.labels) .) }}
spec:
  {{- if not $pod.autoscaling.enabled }}
  replicas: {{ int $pod.replicas }}
  {{- end }}
  revisionHistoryLimit: {{ int $pod.revisionHistoryLimit }}
  minReadySeconds: {{ int $pod.minReadySeconds }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ $pod.rollingUpdate.maxSurge }}
      maxUnavailable: {{ $pod.rollingUpdate.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "mailquay.labels" . | nindent 8 }}
        {{- with include "mailquay.volumeLabels" . }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- if .values.ports }}
        mailquay/serves-mail: {{ ternary "false" "true" (eq .name "webmail-api") | quote }}
        {{- end }}
        {{- with $pod.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .name }}
        {{- include "mailquay.checksums" . | nindent 8 }}
        {{- with $pod.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "mailquay.serviceAccountName" .root }}
      {{- include "mailquay.podBasics" $parts | nindent 6 }}
      terminationGracePeriodSeconds: {{ include "mailquay.graceSeconds" . }}
      {{- with include "mailquay.affinity" $parts }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "mailquay.topologySpread" . }}
      {{- . | nindent 6 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "mailquay.image" (dict "root" .root "name" .name "image" $pod.image) }}
          imagePullPolicy: {{ default .root.Values.image.pullPolicy $pod.image.pullPolicy }}
          securityContext:
            {{- include "mailquay.containerSecurityContext" . | nindent 12 }}
          ports:
            {{- range $name, $port := $pod.ports }}
            {{- if $port.enabled }}
            - name: {{ $name }}
              containerPort: {{ include "mailquay.containerPort" $name }}
              {{- with $port.hostPort }}
              hostPort: {{ int . }}
              {{- end }}
            {{- end }}
            {{- end }}
            - name: metrics
              containerPort: {{ include "mailquay.containerPort" "metrics" }}
          {{- $environment := dict "root" .root "settings" $pod.settings "env" .env "extraEnv" $pod.extraEnv "extraEnvFrom" $pod.extraEnvFrom }}
          {{- include "mailquay.environment" $environment | nindent 10 }}
          {{- include "mailquay.probes" . | nindent 10 }}
          {{- with include "mailquay.lifecycle" . }}
          {{- . | nindent 10 }}
          {{- end }}
          resources:
            {{- toYaml $pod.resources | nindent 12 }}
          volumeMounts:
            {{- include "mailquay.volumeMounts" $parts | nindent 12 }}
        {{- with $pod.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        {{- include "mailquay.volumes" $parts | nindent 8 }}
{{- end -}}

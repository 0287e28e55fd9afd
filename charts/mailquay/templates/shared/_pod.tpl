{{/* Pods: every security context and volume of the chart stands here, once. */}}

{{- define "mailquay.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "mailquay.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- end -}}

{{/* What every pod of ours has, whatever runs in it. Takes `root` and `pod`, its part of the values. */}}
{{- define "mailquay.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "mailquay.podSecurityContext" . | nindent 2 }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Where a pod may run. Bodies on a volume that one node alone can mount hold all pods on that node; else a
service's pods go to different zones. That is no spread constraint, as a scheduler counts no node by those
that lacks one of their labels: on nodes without zones there would be no spread at all.
Takes `root`, `pod`, `hasBodies` and `selector`, the labels of a service's pods.
*/}}
{{- define "mailquay.affinity" -}}
{{- if .pod.affinity -}}
affinity:
  {{- toYaml .pod.affinity | nindent 2 }}
{{- else if and .hasBodies (include "mailquay.blobs.isOneNode" .root) -}}
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/instance: {{ .root.Release.Name }}
            mailquay/volume: trial-blobs
{{- else if .selector -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 50
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels:
              {{- .selector | nindent 14 }}
{{- end -}}
{{- end -}}

{{/* Labels of a pod that say what it mounts. */}}
{{- define "mailquay.volumeLabels" -}}
{{- if include "mailquay.blobs.isOneNode" .root -}}
mailquay/volume: trial-blobs
{{- end -}}
{{- end -}}

{{- define "mailquay.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ default "1Gi" .pod.tmpSize }}
{{- with include "mailquay.tls.secretName" .root }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if and .hasBodies (include "mailquay.blobs.isTrial" .root) }}
- name: blobs
  persistentVolumeClaim:
    claimName: {{ include "mailquay.blobs.claim" .root }}
{{- end }}
{{- with .root.Values.nats.credentials.existingSecret }}
- name: nats
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .pod.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whole folders, no subPath: so the kubelet's update of a Secret reaches the service. */}}
{{- define "mailquay.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "mailquay.tls.secretName" .root }}
- name: tls
  mountPath: /etc/mailquay/tls
  readOnly: true
{{- end }}
{{- if and .hasBodies (include "mailquay.blobs.isTrial" .root) }}
- name: blobs
  mountPath: /var/lib/mailquay/blobs
{{- end }}
{{- if .root.Values.nats.credentials.existingSecret }}
- name: nats
  mountPath: /etc/mailquay/nats
  readOnly: true
{{- end }}
{{- with .pod.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A change of these rolls the pods; a Secret's own change does not, as settings are read once. */}}
{{- define "mailquay.checksums" -}}
checksum/settings: {{ include "mailquay.settingsData" .root | sha256sum }}
{{- if or .root.Values.database.url .root.Values.nats.url }}
checksum/urls: {{ printf "%s %s" .root.Values.database.url .root.Values.nats.url | sha256sum }}
{{- end }}
{{- end -}}

{{/* Spread over nodes, counted for each ReplicaSet by itself. */}}
{{- define "mailquay.topologySpread" -}}
{{- $context := . -}}
{{- if .values.topologySpread.constraints -}}
topologySpreadConstraints:
  {{- range .values.topologySpread.constraints }}
  -
    {{- $selector := dict "matchLabels" (include "mailquay.selectorLabels" $context | fromYaml) }}
    {{- toYaml (merge (deepCopy .) (dict "labelSelector" $selector)) | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Names, labels and images: what every other template starts from. */}}

{{- define "mailquay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name for everything; 40 at most, so that what is appended keeps it within 63. */}}
{{- define "mailquay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "mailquay.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mailquay.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a component; it can never change. Takes a component's context. */}}
{{- define "mailquay.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mailquay.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "mailquay.labels" -}}
{{- with .root.Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "mailquay.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mailquay
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/*
The head of an object: its name, labels and annotations. Takes a component's context with `suffix`
(after the full name; the component's name without it) or `objectName` (all of it), `extraLabels` and
`annotations`.
*/}}
{{- define "mailquay.metadata" -}}
{{- $annotations := merge (dict) (default (dict) .annotations) (deepCopy .root.Values.commonAnnotations) -}}
metadata:
  name: {{ default (printf "%s-%s" (include "mailquay.fullname" .root) (default .name .suffix)) .objectName }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "mailquay.labels" . | nindent 4 }}
    {{- with .extraLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* An image's reference. Takes `root`, `name` (of the image) and `image` (its own part of the values). */}}
{{- define "mailquay.image" -}}
{{- $all := .root.Values.image -}}
{{- $own := default (dict) .image -}}
{{- $registry := default $all.registry $own.registry -}}
{{- $repository := default (printf "%s/%s" $all.repository .name) $own.repository -}}
{{- $tag := default (default .root.Chart.AppVersion $all.tag) $own.tag -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $repository }}
{{- if $own.digest }}@{{ $own.digest }}{{ else }}:{{ $tag }}{{ end -}}
{{- end -}}

{{/* A setting's value as its environment variable has it: text as it is, all else as JSON. */}}
{{- define "mailquay.settingText" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if kindIs "invalid" . }}none{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* The Kubernetes version that is written for: the cluster's, or the one that is given. */}}
{{- define "mailquay.kubeVersion" -}}
{{- default .Capabilities.KubeVersion.Version .Values.kubeVersion -}}
{{- end -}}

{{- define "mailquay.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mailquay.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

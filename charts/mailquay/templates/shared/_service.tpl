{{/* Services: the usual ports, mapped onto those that the pods listen on. */}}

{{/*
What makes a Service one for the outside. Takes its part of the values. With `Local` nothing hides the
client's address; with `Cluster` a PROXY protocol has to tell it.
*/}}
{{- define "mailquay.serviceKind" -}}
type: {{ .type }}
{{- if ne .type "ClusterIP" }}
externalTrafficPolicy: {{ .externalTrafficPolicy }}
{{- end }}
{{- if eq .type "LoadBalancer" }}
{{- with .loadBalancerClass }}
loadBalancerClass: {{ . }}
{{- end }}
{{- with .loadBalancerIP }}
loadBalancerIP: {{ . | quote }}
{{- end }}
{{- with .loadBalancerSourceRanges }}
loadBalancerSourceRanges:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- end -}}

{{/* The ports of one service that are served. Takes `ports` and the Service's `type`. */}}
{{- define "mailquay.servicePorts" -}}
{{- $type := .type -}}
{{- range $name, $port := .ports }}
{{- if $port.enabled }}
- name: {{ $name }}
  port: {{ int $port.port }}
  targetPort: {{ $name }}
  protocol: TCP
  {{- if and $port.nodePort (ne $type "ClusterIP") }}
  nodePort: {{ int $port.nodePort }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "mailquay.service" -}}
{{- with include "mailquay.servicePorts" (dict "ports" .values.ports "type" .values.service.type) | trim }}
{{- $ports := . -}}
{{- with $ -}}
apiVersion: v1
kind: Service
{{ include "mailquay.metadata" (merge (dict "annotations" .values.service.annotations) .) }}
spec:
  {{- include "mailquay.serviceKind" .values.service | nindent 2 }}
  selector:
    {{- include "mailquay.selectorLabels" . | nindent 4 }}
  ports:
    {{- $ports | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The metrics' own Service, without an address: they are never on one that faces the outside. */}}
{{- define "mailquay.metricsService" -}}
apiVersion: v1
kind: Service
{{ include "mailquay.metadata" (merge (dict "suffix" (printf "%s-metrics" .name) "extraLabels" (dict "mailquay/service" "metrics")) .) }}
spec:
  type: ClusterIP
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "mailquay.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: 9090
      targetPort: metrics
      protocol: TCP
{{- end -}}

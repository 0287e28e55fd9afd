{{/* NetworkPolicies: everything is refused, both ways, but what stands here. */}}

{{/* One rule. Takes `peers` (none of them: anywhere), `direction` and `ports` (none: every port). */}}
{{- define "mailquay.rule" -}}
-
  {{- with .peers }}
  {{ $.direction }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    {{- range .ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end -}}

{{/* Peers inside this release. Takes `root` and the component's `name`. */}}
{{- define "mailquay.componentPeers" -}}
- podSelector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* To what holds the state, and to the resolvers. Takes `root`. */}}
{{- define "mailquay.stateEgress" -}}
{{- $policy := .root.Values.networkPolicy -}}
-
  {{- with $policy.dns.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- if include "mailquay.database.isTrial" .root }}
{{ include "mailquay.rule" (dict "direction" "to" "peers" (include "mailquay.componentPeers" (dict "root" .root "name" "trial-postgres") | fromYamlArray) "ports" (list 5432)) }}
{{- else }}
{{ include "mailquay.rule" (dict "direction" "to" "peers" $policy.database.to "ports" $policy.database.ports) }}
{{- end }}
{{- if include "mailquay.nats.isTrial" .root }}
{{ include "mailquay.rule" (dict "direction" "to" "peers" (include "mailquay.componentPeers" (dict "root" .root "name" "trial-nats") | fromYamlArray) "ports" (list 4222)) }}
{{- else if include "mailquay.nats.isOutside" .root }}
{{ include "mailquay.rule" (dict "direction" "to" "peers" $policy.nats.to "ports" $policy.nats.ports) }}
{{- end }}
{{- if not (include "mailquay.blobs.isTrial" .root) }}
{{ include "mailquay.rule" (dict "direction" "to" "peers" $policy.blobs.to "ports" $policy.blobs.ports) }}
{{- end }}
{{- end -}}

{{/* A service's policy. Takes its context with `egress`, further rules of its own. */}}
{{- define "mailquay.networkPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- if $policy.enabled -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "mailquay.metadata" . }}
spec:
  podSelector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- $ports := list }}
    {{- range $name, $port := .values.ports }}
    {{- if $port.enabled }}{{ $ports = append $ports $name }}{{ end }}
    {{- end }}
    {{- if $ports }}
    {{- include "mailquay.rule" (dict "direction" "from" "peers" .values.networkPolicy.from "ports" $ports) | nindent 4 }}
    {{- end }}
    {{- include "mailquay.rule" (dict "direction" "from" "peers" $policy.metrics.from "ports" (list "metrics")) | nindent 4 }}
    {{- with .values.networkPolicy.extraIngress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  egress:
    {{- include "mailquay.stateEgress" . | nindent 4 }}
    {{- with .egress }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end -}}

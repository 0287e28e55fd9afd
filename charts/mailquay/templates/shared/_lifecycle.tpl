{{/* A pod's life: what asks for its health, and how it ends. */}}

{{/* Seconds that a pod drains: its own setting, else everyone's, else the service's default. */}}
{{- define "mailquay.drainSeconds" -}}
{{- $all := dig "net" "drain_seconds" 20 .root.Values.settings -}}
{{- dig "net" "drain_seconds" $all .values.settings -}}
{{- end -}}

{{/*
Seconds from the request to end until the kubelet kills: the preStop's wait, the drain, and a margin for
closing what is open. Computed, so that the three cannot disagree.
*/}}
{{- define "mailquay.graceSeconds" -}}
{{- $drain := include "mailquay.drainSeconds" . | float64 | ceil | int -}}
{{- add (int .values.preStopSeconds) $drain (int .values.drainMarginSeconds) -}}
{{- end -}}

{{/*
The pod goes on accepting while the end of its endpoint travels to every node and load balancer; the
drain begins only then.
*/}}
{{- define "mailquay.lifecycle" -}}
{{- if gt (int .values.preStopSeconds) 0 -}}
lifecycle:
  preStop:
    {{- if semverCompare ">=1.30.0-0" (include "mailquay.kubeVersion" .root) }}
    sleep:
      seconds: {{ int .values.preStopSeconds }}
    {{- else }}
    exec:
      command: [sleep, {{ int .values.preStopSeconds | quote }}]
    {{- end }}
{{- end -}}
{{- end -}}

{{- define "mailquay.probe" -}}
httpGet:
  path: {{ .path }}
  port: metrics
{{ toYaml .times }}
{{- end -}}

{{- define "mailquay.probes" -}}
startupProbe:
  {{- include "mailquay.probe" (dict "path" "/healthz" "times" .values.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "mailquay.probe" (dict "path" "/healthz" "times" .values.probes.liveness) | nindent 2 }}
readinessProbe:
  {{- include "mailquay.probe" (dict "path" "/readyz" "times" .values.probes.readiness) | nindent 2 }}
{{- end -}}

{{/* How Prometheus finds a service: a PodMonitor, or a ServiceMonitor on the metrics' own Service. */}}

{{/* What all series carry: dashboards and alerts select by the component. Takes the monitor's values. */}}
{{- define "mailquay.scrape" -}}
port: metrics
path: /metrics
interval: {{ .interval }}
scrapeTimeout: {{ .scrapeTimeout }}
relabelings:
  - sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
    targetLabel: app_kubernetes_io_component
  - sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance]
    targetLabel: app_kubernetes_io_instance
  {{- with .relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "mailquay.monitor" -}}
{{- $metrics := .root.Values.metrics -}}
{{- if $metrics.podMonitor.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
{{ include "mailquay.metadata" (merge (dict "extraLabels" $metrics.podMonitor.labels) .) }}
spec:
  selector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
  podMetricsEndpoints:
    -
      {{- include "mailquay.scrape" $metrics.podMonitor | nindent 6 }}
{{- else if $metrics.serviceMonitor.enabled -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
{{ include "mailquay.metadata" (merge (dict "extraLabels" $metrics.serviceMonitor.labels) .) }}
spec:
  selector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
      mailquay/service: metrics
  endpoints:
    -
      {{- include "mailquay.scrape" $metrics.serviceMonitor | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* How many pods: by a HorizontalPodAutoscaler, or by KEDA's ScaledObject. And how few at once. */}}

{{/* A pod's average of a metric. Takes `metric` and `value`. */}}
{{- define "mailquay.podsMetric" -}}
- type: Pods
  pods:
    metric:
      name: {{ .metric }}
    target:
      type: AverageValue
      averageValue: {{ .value | toString | quote }}
{{- end -}}

{{- define "mailquay.resourceMetric" -}}
- type: Resource
  resource:
    name: {{ .resource }}
    target:
      type: Utilization
      averageUtilization: {{ int .value }}
{{- end -}}

{{- define "mailquay.hpaMetrics" -}}
{{- $targets := .values.autoscaling.targets -}}
{{- with $targets.cpuPercent }}
{{ include "mailquay.resourceMetric" (dict "resource" "cpu" "value" .) }}
{{- end }}
{{- with $targets.memoryPercent }}
{{ include "mailquay.resourceMetric" (dict "resource" "memory" "value" .) }}
{{- end }}
{{- with $targets.connections }}
{{ include "mailquay.podsMetric" (dict "metric" "mailquay_connections_open" "value" .) }}
{{- end }}
{{- with $targets.queueLateSeconds }}
{{ include "mailquay.podsMetric" (dict "metric" "mailquay_queue_late_seconds" "value" .) }}
{{- end }}
{{- with $targets.deliveryLagSeconds }}
{{ include "mailquay.podsMetric" (dict "metric" "mailquay_delivery_lag_seconds" "value" .) }}
{{- end }}
{{- with .values.autoscaling.metrics }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mailquay.hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{ include "mailquay.metadata" . }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "mailquay.fullname" .root }}-{{ .name }}
  minReplicas: {{ int .values.autoscaling.minReplicas }}
  maxReplicas: {{ int .values.autoscaling.maxReplicas }}
  metrics:
    {{- include "mailquay.hpaMetrics" . | trim | nindent 4 }}
  behavior:
    {{- toYaml .values.autoscaling.behavior | nindent 4 }}
{{- end -}}

{{/* A trigger by a question to Prometheus. Takes `root`, `query`, `threshold` and `type`. */}}
{{- define "mailquay.prometheusTrigger" -}}
- type: prometheus
  metricType: {{ .type }}
  metadata:
    serverAddress: {{ .root.Values.keda.prometheusAddress | quote }}
    query: {{ .query | quote }}
    threshold: {{ .threshold | toString | quote }}
    ignoreNullValues: "true"
  {{- with .root.Values.keda.authenticationRef }}
  authenticationRef:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "mailquay.kedaTriggers" -}}
{{- $root := .root -}}
{{- $targets := .values.autoscaling.targets -}}
{{- $of := printf "{namespace=\"%s\",app_kubernetes_io_component=\"%s\"}" .root.Release.Namespace .name -}}
{{- with $targets.cpuPercent }}
- type: cpu
  metricType: Utilization
  metadata:
    value: {{ . | toString | quote }}
{{- end }}
{{- with $targets.memoryPercent }}
- type: memory
  metricType: Utilization
  metadata:
    value: {{ . | toString | quote }}
{{- end }}
{{- with $targets.connections }}
{{ include "mailquay.prometheusTrigger" (dict "root" $root "type" "AverageValue" "threshold" . "query" (printf "sum(mailquay_connections_open%s)" $of)) }}
{{- end }}
{{- with $targets.queueLateSeconds }}
{{ include "mailquay.prometheusTrigger" (dict "root" $root "type" "Value" "threshold" . "query" (printf "max(mailquay_queue_late_seconds%s)" $of)) }}
{{- end }}
{{- with $targets.deliveryLagSeconds }}
{{ include "mailquay.prometheusTrigger" (dict "root" $root "type" "Value" "threshold" . "query" (printf "max(mailquay_delivery_lag_seconds%s)" $of)) }}
{{- end }}
{{- with .values.autoscaling.triggers }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "mailquay.scaledObject" -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
{{ include "mailquay.metadata" . }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "mailquay.fullname" .root }}-{{ .name }}
  minReplicaCount: {{ int .values.autoscaling.minReplicas }}
  maxReplicaCount: {{ int .values.autoscaling.maxReplicas }}
  pollingInterval: {{ int .root.Values.keda.pollingInterval }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- toYaml .values.autoscaling.behavior | nindent 8 }}
  triggers:
    {{- include "mailquay.kedaTriggers" . | trim | nindent 4 }}
{{- end -}}

{{- define "mailquay.autoscaler" -}}
{{- if .values.autoscaling.enabled -}}
{{- if eq .values.autoscaling.by "keda" -}}
{{ include "mailquay.scaledObject" . }}
{{- else -}}
{{ include "mailquay.hpa" . }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.pdb" -}}
{{- $budget := .values.podDisruptionBudget -}}
{{- if $budget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "mailquay.metadata" . }}
spec:
  {{- if ne (toString $budget.minAvailable) "" }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- end }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "mailquay.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

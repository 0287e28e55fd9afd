{{/* Where the state is: given from outside, made by an operator, or kept in the chart for a trial. */}}

{{- define "mailquay.database.isOutside" -}}
{{- if or .Values.database.url .Values.database.existingSecret }}true{{ end -}}
{{- end -}}

{{- define "mailquay.database.isTrial" -}}
{{- if and .Values.trial.enabled (not (include "mailquay.database.isOutside" .)) (not .Values.database.cloudnativepg.enabled) }}true{{ end -}}
{{- end -}}

{{- define "mailquay.nats.isOutside" -}}
{{- if or .Values.nats.url .Values.nats.existingSecret }}true{{ end -}}
{{- end -}}

{{- define "mailquay.nats.isTrial" -}}
{{- if and .Values.trial.enabled (not (include "mailquay.nats.isOutside" .)) }}true{{ end -}}
{{- end -}}

{{- define "mailquay.blobs.isTrial" -}}
{{- if and .Values.trial.enabled (not .Values.blobs.url) }}true{{ end -}}
{{- end -}}

{{/* Whether the volume of bodies is one that a single node can mount. */}}
{{- define "mailquay.blobs.isOneNode" -}}
{{- if and (include "mailquay.blobs.isTrial" .) (not (has "ReadWriteMany" .Values.trial.blobs.accessModes)) }}true{{ end -}}
{{- end -}}

{{- define "mailquay.blobs.claim" -}}
{{- default (printf "%s-trial-blobs" (include "mailquay.fullname" .)) .Values.trial.blobs.existingClaim -}}
{{- end -}}

{{/* The Secret of what the chart makes up by itself, or the one that is given instead. */}}
{{- define "mailquay.secretName" -}}
{{- default (printf "%s-secrets" (include "mailquay.fullname" .)) .Values.secrets.existingSecret -}}
{{- end -}}

{{/* The Secret of the URLs that stand in the values. */}}
{{- define "mailquay.urlsSecretName" -}}
{{- include "mailquay.fullname" . }}-urls
{{- end -}}

{{- define "mailquay.cnpg.cluster" -}}
{{- default (printf "%s-db" (include "mailquay.fullname" .)) .Values.database.cloudnativepg.existingCluster -}}
{{- end -}}

{{- define "mailquay.tls.isSelfSigned" -}}
{{- if and .Values.trial.enabled .Values.tls.selfSigned (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) }}true{{ end -}}
{{- end -}}

{{/* The Secret with the certificate; empty where no TLS is offered. */}}
{{- define "mailquay.tls.secretName" -}}
{{- if .Values.tls.existingSecret -}}
{{- .Values.tls.existingSecret -}}
{{- else if or .Values.tls.certManager.enabled (include "mailquay.tls.isSelfSigned" .) -}}
{{- include "mailquay.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* Environment of a secret. Takes `variable`, `secret` and `key`. */}}
{{- define "mailquay.secretVariable" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{/*
Where Postgres is. Takes `root`, `isDirect` (past any pooler: migrations hold a session's lock) and
`urls`, the Secret of the values' own URLs.
*/}}
{{- define "mailquay.databaseVariables" -}}
{{- $v := .root.Values.database -}}
{{- $variable := "MAILQUAY_DATABASE__URL" -}}
{{- if include "mailquay.database.isOutside" .root -}}
{{- if and .isDirect $v.direct.existingSecret -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" $v.direct.existingSecret "key" $v.direct.key) }}
{{- else if and .isDirect $v.direct.url -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" .urls "key" "database-direct-url") }}
{{- else if $v.existingSecret -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" $v.existingSecret "key" $v.key) }}
{{- else -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" .urls "key" "database-url") }}
{{- end -}}
{{- else if $v.cloudnativepg.enabled -}}
{{- $secret := printf "%s-app" (include "mailquay.cnpg.cluster" .root) -}}
{{- if and $v.cloudnativepg.pooler.enabled (not .isDirect) -}}
{{ include "mailquay.secretVariable" (dict "variable" "POSTGRES_USER" "secret" $secret "key" "username") }}
{{ include "mailquay.secretVariable" (dict "variable" "POSTGRES_PASSWORD" "secret" $secret "key" "password") }}
- name: {{ $variable }}
  value: postgresql://$(POSTGRES_USER):$(POSTGRES_PASSWORD)@{{ include "mailquay.cnpg.cluster" .root }}-pooler-rw:5432/{{ $v.cloudnativepg.database }}
{{- else -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" $secret "key" "uri") }}
{{- end -}}
{{- else -}}
{{ include "mailquay.secretVariable" (dict "variable" $variable "secret" (include "mailquay.secretName" .root) "key" "database-url") }}
{{- end -}}
{{- end -}}

{{- define "mailquay.natsVariables" -}}
{{- $v := .root.Values.nats -}}
{{- if $v.existingSecret -}}
{{ include "mailquay.secretVariable" (dict "variable" "MAILQUAY_NATS__URL" "secret" $v.existingSecret "key" $v.key) }}
{{- else if include "mailquay.nats.isTrial" .root -}}
{{ include "mailquay.secretVariable" (dict "variable" "MAILQUAY_NATS__URL" "secret" (include "mailquay.secretName" .root) "key" "nats-url") }}
{{- end -}}
{{- end -}}

{{/* The schema's migration: what runs it, and when. */}}

{{/*
Whether it is a hook before the upgrade. Where the database is made by this very release it cannot be: a
hook before the installation would wait for it for ever, and one after it would wait for services that
wait for the schema. There it is an ordinary Job beside them.
*/}}
{{- define "mailquay.migrations.isHook" -}}
{{- if and .Values.migrations.enabled (include "mailquay.database.isOutside" .) }}true{{ end -}}
{{- end -}}

{{/*
How a hook ends: what went well goes, as an uninstallation would leave it; Helm (3.18, 4) prints what it
said. What failed stays to be looked at. Takes `weight`.
*/}}
{{- define "mailquay.hookEnd" -}}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end -}}

{{/* Annotations of what is there before the release's own objects. Takes `weight`. */}}
{{- define "mailquay.beforeHook" -}}
helm.sh/hook: pre-install,pre-upgrade
{{ include "mailquay.hookEnd" . }}
{{- end -}}

{{/* Annotations of what runs once they are there. Takes `weight`. */}}
{{- define "mailquay.afterHook" -}}
helm.sh/hook: post-install,post-upgrade
{{ include "mailquay.hookEnd" . }}
{{- end -}}

{{- define "mailquay.urlsData" -}}
database-url: {{ .Values.database.url | b64enc }}
{{- with .Values.database.direct.url }}
database-direct-url: {{ . | b64enc }}
{{- end }}
{{- end -}}

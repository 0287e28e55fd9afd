{{/* The schema's migration: what runs it, and when. */}}

{{/*
Whether it is a hook before the upgrade. Where the database is made by this very release it cannot be: a
hook before the installation would wait for it for ever, and one after it would wait for services that
wait for the schema. There it is an ordinary Job beside them.
*/}}
{{- define "mailquay.migrations.isHook" -}}
{{- if and .Values.migrations.enabled (include "mailquay.database.isOutside" .) }}true{{ end -}}
{{- end -}}

{{/* Annotations of what is there before the release's own objects. Takes `weight`. */}}
{{- define "mailquay.beforeHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Annotations of what runs once they are there. Takes `weight`. */}}
{{- define "mailquay.afterHook" -}}
helm.sh/hook: post-install,post-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- define "mailquay.urlsData" -}}
database-url: {{ .Values.database.url | quote }}
{{- with .Values.database.direct.url }}
database-direct-url: {{ . | quote }}
{{- end }}
{{- end -}}

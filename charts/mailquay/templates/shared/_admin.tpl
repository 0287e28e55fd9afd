{{/* The first administrator, and what makes an account that may be there already. */}}

{{- define "mailquay.admin.address" -}}
{{- default (printf "admin@%s" .Values.domain) .Values.admin.address -}}
{{- end -}}

{{/* 73: the name is taken. The address' own domain may be another one. */}}
{{- define "mailquay.admin.script" -}}
for name in "$DOMAIN" "${ADMIN_ADDRESS##*@}"; do
  mailquay domain add "$name" --json || [ $? -eq 73 ]
done
printf '%s\n' "$ADMIN_PASSWORD" |
  mailquay account add "$ADMIN_ADDRESS" --role admin --password-stdin --json || [ $? -eq 73 ]
{{- end -}}

{{- define "mailquay.probe.address" -}}
{{- default (printf "mailquay-probe@%s" .Values.domain) .Values.tests.address -}}
{{- end -}}

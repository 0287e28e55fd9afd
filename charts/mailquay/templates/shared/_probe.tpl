{{/* What `helm test` runs. */}}

{{/* 73: the account is there. Its password follows the Secret. */}}
{{- define "mailquay.probe.script" -}}
{{- $fullname := include "mailquay.fullname" . -}}
mailquay domain add "${PROBE_ADDRESS##*@}" --json || [ $? -eq 73 ]
printf '%s\n' "$PROBE_PASSWORD" >/tmp/password
mailquay account add "$PROBE_ADDRESS" --password-stdin --json </tmp/password ||
  { [ $? -eq 73 ] && mailquay account passwd "$PROBE_ADDRESS" --password-stdin --json </tmp/password; }
set -- --account "$PROBE_ADDRESS" --password-file /tmp/password --tls-name {{ .Values.hostname | quote }}
set -- "$@" --smtp {{ $fullname }}-smtp-in:{{ int .Values.smtpIn.ports.smtp.port }}
set -- "$@" --submission {{ $fullname }}-smtp-in:{{ int .Values.smtpIn.ports.submission.port }}
set -- "$@" --imap {{ $fullname }}-imap:{{ int .Values.imap.ports.imap.port }}
{{- if .Values.pop3.enabled }}
set -- "$@" --pop3 {{ $fullname }}-pop3:{{ int .Values.pop3.ports.pop3.port }}
{{- else }}
set -- "$@" --no-pop3
{{- end }}
{{- if .Values.webmailApi.enabled }}
set -- "$@" --jmap http://{{ $fullname }}-webmail-api:{{ int .Values.webmailApi.ports.http.port }}
{{- else }}
set -- "$@" --no-jmap
{{- end }}
if [ -s /etc/mailquay/tls/ca.crt ]; then
  set -- "$@" --ca-file /etc/mailquay/tls/ca.crt
fi
exec mailquay probe "$@" {{ join " " .Values.tests.args }}
{{- end -}}

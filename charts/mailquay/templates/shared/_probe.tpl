{{/* What `helm test` runs. */}}

{{/*
73: the account is there; its password follows the Secret. 69: Postgres did not answer in time, which is
asked again, for a test is not run again by itself.
*/}}
{{- define "mailquay.probe.script" -}}
{{- $fullname := include "mailquay.fullname" . -}}
patiently() {
  for seconds in 1 2 4 8 0; do
    status=0
    "$@" --json </tmp/password || status=$?
    [ $status -eq 69 ] || break
    sleep $seconds
  done
  return $status
}
printf '%s\n' "$PROBE_PASSWORD" >/tmp/password
patiently mailquay domain add "${PROBE_ADDRESS##*@}" || [ $? -eq 73 ]
patiently mailquay account add "$PROBE_ADDRESS" --password-stdin || {
  [ $? -eq 73 ]
  patiently mailquay account passwd "$PROBE_ADDRESS" --password-stdin
}
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

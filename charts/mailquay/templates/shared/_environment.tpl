{{/* The settings of all services, as environment variables: none of them secret. */}}

{{/* A tree of settings as lines `MAILQUAY_GROUP__NAME: "value"`. Takes the tree. */}}
{{- define "mailquay.settingLines" -}}
{{- range $group, $settings := . }}
{{- range $name, $value := $settings }}
{{ printf "MAILQUAY_%s__%s" $group $name | upper }}: {{ include "mailquay.settingText" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the chart itself sets, which no value may contradict. */}}
{{- define "mailquay.ownSettings" -}}
MAILQUAY_HOSTNAME: {{ .Values.hostname | quote }}
MAILQUAY_METRICS__PORT: "9090"
MAILQUAY_SMTP_IN__MX_PORT: {{ include "mailquay.portSetting" (list . "smtpIn" "smtp") }}
MAILQUAY_SMTP_IN__SUBMISSION_PORT: {{ include "mailquay.portSetting" (list . "smtpIn" "submission") }}
MAILQUAY_SMTP_IN__SUBMISSIONS_PORT: {{ include "mailquay.portSetting" (list . "smtpIn" "submissions") }}
MAILQUAY_SMTP_IN__LMTP_PORT: {{ include "mailquay.portSetting" (list . "smtpIn" "lmtp") }}
MAILQUAY_IMAP__PORT: {{ include "mailquay.portSetting" (list . "imap" "imap") }}
MAILQUAY_IMAP__TLS_PORT: {{ include "mailquay.portSetting" (list . "imap" "imaps") }}
MAILQUAY_POP3__PORT: {{ include "mailquay.portSetting" (list . "pop3" "pop3") }}
MAILQUAY_POP3__TLS_PORT: {{ include "mailquay.portSetting" (list . "pop3" "pop3s") }}
MAILQUAY_WEB__PORT: {{ include "mailquay.portSetting" (list . "webmailApi" "http") }}
MAILQUAY_WEB__PUBLIC_URL: {{ include "mailquay.web.publicUrl" . | quote }}
{{- with .Values.web.trustedProxies }}
MAILQUAY_WEB__TRUSTED_PROXIES: {{ toJson . | quote }}
{{- end }}
{{- with .Values.proxyProtocol.from }}
MAILQUAY_NET__PROXY_PROTOCOL_FROM: {{ toJson . | quote }}
{{- end }}
{{- if include "mailquay.tls.secretName" . }}
MAILQUAY_TLS__CERTIFICATE_FILE: /etc/mailquay/tls/tls.crt
MAILQUAY_TLS__KEY_FILE: /etc/mailquay/tls/tls.key
{{- end }}
MAILQUAY_BLOBS__URL: {{ default "file:///var/lib/mailquay/blobs" .Values.blobs.url | quote }}
{{- range $name, $value := .Values.blobs.environment }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- with .Values.nats.url }}
MAILQUAY_NATS__URL: {{ . | quote }}
{{- end }}
{{- if .Values.nats.credentials.existingSecret }}
MAILQUAY_NATS__CREDENTIALS_FILE: /etc/mailquay/nats/{{ .Values.nats.credentials.key }}
{{- end }}
{{- end -}}

{{- define "mailquay.settingsData" -}}
{{- $tree := mergeOverwrite (dict "net" (dict "bind" "0.0.0.0")) (deepCopy .Values.settings) -}}
{{- include "mailquay.settingLines" $tree | trim }}
{{ include "mailquay.ownSettings" . }}
{{- end -}}

{{/* A container's port as its setting: `none` where it is not served. Takes root, values key, port's name. */}}
{{- define "mailquay.portSetting" -}}
{{- $root := index . 0 -}}
{{- $port := index $root.Values (index . 1) "ports" (index . 2) -}}
{{- if $port.enabled }}{{ include "mailquay.containerPort" (index . 2) | quote }}{{ else }}none{{ end -}}
{{- end -}}

{{/* The port that a pod listens on: over 1024, as nobody in it is root. The Service maps the usual one. */}}
{{- define "mailquay.containerPort" -}}
{{- get (dict "smtp" "2525" "submission" "2587" "submissions" "2465" "lmtp" "2424" "imap" "1143" "imaps" "1993" "pop3" "1110" "pop3s" "1995" "http" "8080" "metrics" "9090") . -}}
{{- end -}}

{{- define "mailquay.web.host" -}}
{{- default .Values.hostname .Values.web.host -}}
{{- end -}}

{{- define "mailquay.web.publicUrl" -}}
{{- default (printf "https://%s" (include "mailquay.web.host" .)) .Values.web.publicUrl -}}
{{- end -}}

{{/*
What a container of ours has in its environment. Takes `root`, `isDirect` (see
`mailquay.databaseVariables`) and `prefix`, which names the copies that hooks run with.
*/}}
{{- define "mailquay.environment" -}}
{{- $hook := default "" .hook -}}
envFrom:
  - configMapRef:
      name: {{ include "mailquay.fullname" .root }}-settings{{ $hook }}
  {{- with .root.Values.blobs.existingSecret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
  {{- with .extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  {{- $urls := printf "%s%s" (include "mailquay.urlsSecretName" .root) $hook }}
  {{- include "mailquay.databaseVariables" (dict "root" .root "isDirect" .isDirect "urls" $urls) | nindent 2 }}
  {{- with include "mailquay.natsVariables" . }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- range $group, $settings := .settings }}
  {{- range $name, $value := $settings }}
  - name: {{ printf "MAILQUAY_%s__%s" $group $name | upper }}
    value: {{ include "mailquay.settingText" $value | quote }}
  {{- end }}
  {{- end }}
  {{- with .env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

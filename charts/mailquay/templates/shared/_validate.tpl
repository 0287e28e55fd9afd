{{/* What the schema cannot say: values that contradict each other, each refused with what to do. */}}

{{- define "mailquay.config.isGiven" -}}
{{- if or .Values.config .Values.configFrom.existingSecret }}true{{ end -}}
{{- end -}}

{{- define "mailquay.validate" -}}
{{- include "mailquay.validate.forms" . -}}
{{- include "mailquay.validate.state" . -}}
{{- include "mailquay.validate.secrets" . -}}
{{- include "mailquay.validate.outside" . -}}
{{- range $key := list "smtpIn" "smtpOut" "imap" "pop3" "webmailApi" -}}
{{- $values := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy (index $.Values $key)) -}}
{{- if $values.enabled -}}
{{- include "mailquay.validate.service" (dict "root" $ "key" $key "values" $values) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuse text that is not of a form. Takes `name`, `value` (an empty one is none), `form`, `wanted`. */}}
{{- define "mailquay.validate.form" -}}
{{- if and .value (not (regexMatch .form .value)) -}}
{{- fail (printf "%s: %q is not %s" .name .value .wanted) -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.validate.forms" -}}
{{- $v := .Values -}}
{{- $host := "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])$" -}}
{{- range $name, $value := dict "hostname" $v.hostname "domain" $v.domain "web.host" $v.web.host -}}
{{- include "mailquay.validate.form" (dict "name" $name "value" $value "form" $host "wanted" "a whole name in the DNS, in small letters, such as mail.example.com") -}}
{{- end -}}
{{- range $name, $value := dict "admin.address" $v.admin.address "tests.address" $v.tests.address -}}
{{- include "mailquay.validate.form" (dict "name" $name "value" $value "form" "^[^@\\s]+@[^@\\s]+$" "wanted" "an address, such as admin@example.com") -}}
{{- end -}}
{{- range $name, $value := dict "database.url" $v.database.url "database.direct.url" $v.database.direct.url -}}
{{- /* Not shown: there is a password in it. */}}
{{- if and $value (not (regexMatch "^postgres(ql)?://" $value)) -}}
{{- fail (printf "%s is not postgresql://user:password@host:5432/database" $name) -}}
{{- end -}}
{{- end -}}
{{- if not (contains "@" $v.nats.url) -}}
{{- include "mailquay.validate.form" (dict "name" "nats.url" "value" $v.nats.url "form" "^(nats|tls|wss?)://" "wanted" "nats://host:4222, or several of them with commas") -}}
{{- end -}}
{{- include "mailquay.validate.form" (dict "name" "blobs.url" "value" $v.blobs.url "form" "^[a-z0-9]+://" "wanted" "object storage: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix") -}}
{{- include "mailquay.validate.form" (dict "name" "web.publicUrl" "value" $v.web.publicUrl "form" "^https?://[^/]+$" "wanted" "an address of browsers without a path, such as https://webmail.example.com") -}}
{{- include "mailquay.validate.form" (dict "name" "keda.prometheusAddress" "value" $v.keda.prometheusAddress "form" "^https?://" "wanted" "an address, such as http://prometheus.monitoring:9090") -}}
{{- range $name, $networks := dict "proxyProtocol.from" $v.proxyProtocol.from "web.trustedProxies" $v.web.trustedProxies -}}
{{- range $networks -}}
{{- include "mailquay.validate.form" (dict "name" $name "value" . "form" "^[0-9a-fA-F:.]+/[0-9]{1,3}$" "wanted" "a network, such as 10.0.0.0/8; of one address, 192.0.2.1/32") -}}
{{- end -}}
{{- end -}}
{{- if or (not $v.hostname) (not $v.domain) -}}
{{- fail "hostname and domain: say what this server is called, such as mail.example.com, and whose mail it takes, such as example.com" -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.validate.state" -}}
{{- $v := .Values -}}
{{- if and $v.database.url $v.database.existingSecret -}}
{{- fail "database.url and database.existingSecret both say where Postgres is: give one of them" -}}
{{- end -}}
{{- if and $v.database.cloudnativepg.enabled (include "mailquay.database.isOutside" .) -}}
{{- fail "database.cloudnativepg.enabled makes a database, and database.url or database.existingSecret names another: give one of them" -}}
{{- end -}}
{{- if not (or $v.trial.enabled $v.database.cloudnativepg.enabled (include "mailquay.database.isOutside" .)) -}}
{{- fail "there is no database: name one by database.existingSecret (or database.url), or have CloudNativePG make one by database.cloudnativepg.enabled; for a trial set trial.enabled" -}}
{{- end -}}
{{- if not (or $v.trial.enabled $v.blobs.url) -}}
{{- fail "there is nowhere to keep the messages' bodies: set blobs.url, such as s3://bucket/prefix, with blobs.existingSecret; for a trial set trial.enabled" -}}
{{- end -}}
{{- if and $v.nats.url $v.nats.existingSecret -}}
{{- fail "nats.url and nats.existingSecret both say where NATS is: give one of them" -}}
{{- end -}}
{{- if hasPrefix "memory:" $v.blobs.url -}}
{{- fail "blobs.url: what is in memory is lost with its pod, and no other pod sees it: use s3://, gs:// or az://" -}}
{{- end -}}
{{- if hasPrefix "file:" $v.blobs.url -}}
{{- fail "blobs.url: a folder is no storage that pods share; leave it empty to use trial.blobs, or use s3://, gs:// or az://" -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.validate.secrets" -}}
{{- if contains "@" .Values.nats.url -}}
{{- fail "nats.url has a password in it, and would stand in a ConfigMap: put the URL into a Secret and name it by nats.existingSecret" -}}
{{- end -}}
{{- range $name := keys .Values.blobs.environment -}}
{{- if regexMatch "(?i)(SECRET|ACCESS_KEY|PASSWORD|TOKEN$|ACCOUNT_KEY|SAS)" $name -}}
{{- fail (printf "blobs.environment.%s is a secret, and would stand in a ConfigMap: put it into a Secret and name that by blobs.existingSecret" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.validate.outside" -}}
{{- $v := .Values -}}
{{- if and $v.tls.existingSecret $v.tls.certManager.enabled -}}
{{- fail "tls.existingSecret and tls.certManager.enabled both give a certificate: use one of them" -}}
{{- end -}}
{{- if and $v.tls.selfSigned (not (include "mailquay.tls.secretName" .)) -}}
{{- fail "there is no certificate, and none is made up but for a trial: name one by tls.existingSecret, have cert-manager make one (tls.certManager), or offer no TLS at all by tls.selfSigned=false" -}}
{{- end -}}
{{- if and $v.smtpIn.ports.lmtp.enabled (dig "service" "type" $v.defaults.service.type $v.smtpIn | ne "ClusterIP") -}}
{{- fail "smtpIn.ports.lmtp: nobody signs in there, so it may not be on a Service that faces the outside; make smtpIn.service.type ClusterIP and use mailService or gateway.tcpRoutes" -}}
{{- end -}}
{{- if and $v.tls.certManager.enabled (not (get $v.tls.certManager.issuerRef "name")) -}}
{{- fail "tls.certManager.issuerRef.name: say which Issuer or ClusterIssuer is to sign the certificate" -}}
{{- end -}}
{{- if and $v.mailService.enabled (ne $v.mailService.type "ClusterIP") (eq $v.mailService.externalTrafficPolicy "Local") -}}
{{- fail "mailService.externalTrafficPolicy: with Local, a node that has a pod of one service drops the connections to the others; use Cluster and proxyProtocol.from, or a Service for each (defaults.service)" -}}
{{- end -}}
{{- if and $v.gateway.httpRoute.enabled (not $v.gateway.httpRoute.parentRefs) -}}
{{- fail "gateway.httpRoute.parentRefs: say which Gateway the webmail is reached by" -}}
{{- end -}}
{{- if and $v.gateway.tcpRoutes.enabled (not $v.gateway.tcpRoutes.parentRefs) -}}
{{- fail "gateway.tcpRoutes.parentRefs: say which Gateway the mail ports are reached by" -}}
{{- end -}}
{{- if and $v.metrics.podMonitor.enabled $v.metrics.serviceMonitor.enabled -}}
{{- fail "metrics.podMonitor.enabled and metrics.serviceMonitor.enabled would scrape everything twice: use one of them" -}}
{{- end -}}
{{- end -}}

{{- define "mailquay.validate.service" -}}
{{- $scaling := .values.autoscaling -}}
{{- if $scaling.enabled -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling: minReplicas is %d, which is more than maxReplicas, %d" .key (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- $targets := compact (values $scaling.targets) -}}
{{- if not (or $targets $scaling.metrics $scaling.triggers) -}}
{{- fail (printf "%s.autoscaling.targets: there is nothing to scale by; set cpuPercent, connections, queueLateSeconds or deliveryLagSeconds" .key) -}}
{{- end -}}
{{- if and (eq $scaling.by "keda") (not .root.Values.keda.prometheusAddress) (or $scaling.targets.connections $scaling.targets.queueLateSeconds $scaling.targets.deliveryLagSeconds) -}}
{{- fail (printf "keda.prometheusAddress: %s.autoscaling is by KEDA, which asks Prometheus; say where it is" .key) -}}
{{- end -}}
{{- end -}}
{{- if and $scaling.targets.queueLateSeconds (ne .key "smtpOut") -}}
{{- fail (printf "%s.autoscaling.targets.queueLateSeconds: only smtpOut has a queue" .key) -}}
{{- end -}}
{{- if and (eq (toString .values.rollingUpdate.maxSurge) "0") (eq (toString .values.rollingUpdate.maxUnavailable) "0") -}}
{{- fail (printf "%s.rollingUpdate: with both at 0 no pod can ever be replaced" .key) -}}
{{- end -}}
{{- end -}}

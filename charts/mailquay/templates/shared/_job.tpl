{{/* Jobs: the `mailquay` command in a pod that ends. 78: the settings are wrong, which waiting does not heal. */}}

{{/*
A pod that runs the command. Takes `root`, `name` (the component), `pod` (its part of the values),
`container` (its name), `args` or `script`, and as it needs them: `env`, `mounts`, `extraVolumes`,
`needsSchema` (wait for it first), `hasBodies` (mount them), `hook` (the suffix of the hooks' own settings: then it may use nothing
else of the release, which is not there yet).
*/}}
{{- define "mailquay.jobPod" -}}
{{- $isBefore := not (empty .hook) -}}
{{- $parts := dict "root" .root "pod" .pod "hasBodies" .hasBodies -}}
metadata:
  labels:
    {{- include "mailquay.labels" . | nindent 4 }}
    {{- if .hasBodies }}
    {{- with include "mailquay.volumeLabels" . }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- with .pod.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .pod.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: {{ default "OnFailure" .restartPolicy }}
  {{- if not $isBefore }}
  serviceAccountName: {{ include "mailquay.serviceAccountName" .root }}
  {{- end }}
  {{- include "mailquay.podBasics" $parts | nindent 2 }}
  {{- with include "mailquay.affinity" $parts }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if .needsSchema }}
  initContainers:
    {{- include "mailquay.jobContainer" (merge (dict "container" "schema" "script" "until mailquay db current --json; do [ $? -ne 78 ] || exit 78; sleep 2; done") .) | nindent 4 }}
  {{- end }}
  containers:
    {{- include "mailquay.jobContainer" . | nindent 4 }}
  volumes:
    {{- if $isBefore }}
    - name: tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- else }}
    {{- include "mailquay.volumes" $parts | nindent 4 }}
    {{- end }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "mailquay.jobContainer" -}}
{{- $isBefore := not (empty .hook) -}}
- name: {{ .container }}
  image: {{ include "mailquay.image" (dict "root" .root "name" "tools" "image" .root.Values.tools.image) }}
  imagePullPolicy: {{ default .root.Values.image.pullPolicy .root.Values.tools.image.pullPolicy }}
  securityContext:
    {{- include "mailquay.containerSecurityContext" . | nindent 4 }}
  {{- if .script }}
  command: [/bin/sh, -euc]
  args:
    - |
      {{- .script | trim | nindent 6 }}
  {{- else }}
  args:
    {{- toYaml .args | nindent 4 }}
  {{- end }}
  {{- if $isBefore }}
  envFrom:
    - configMapRef:
        name: {{ include "mailquay.fullname" .root }}-settings{{ .hook }}
  env:
    {{- include "mailquay.databaseVariables" (dict "root" .root "isDirect" true "urls" (printf "%s%s" (include "mailquay.urlsSecretName" .root) .hook)) | nindent 4 }}
  {{- else }}
  {{- $own := dict "root" .root "isDirect" true "env" .env "extraEnv" .pod.extraEnv "extraEnvFrom" .pod.extraEnvFrom }}
  {{- include "mailquay.environment" $own | nindent 2 }}
  {{- end }}
  resources:
    {{- toYaml .pod.resources | nindent 4 }}
  volumeMounts:
    {{- if $isBefore }}
    - name: tmp
      mountPath: /tmp
    {{- else }}
    {{- include "mailquay.volumeMounts" (dict "root" .root "pod" .pod "hasBodies" .hasBodies) | nindent 4 }}
    {{- end }}
    {{- with .mounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

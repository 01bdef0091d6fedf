{{- define "lienthong.labels" -}}
app.kubernetes.io/name: lienthong
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "lienthong.selector" -}}
app.kubernetes.io/name: lienthong
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "lienthong.name" -}}
{{- printf "%s-lienthong" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}
{{- /* "yes" where the config's store is a database that copies can share. */ -}}
{{- define "lienthong.shared" -}}
{{- if regexMatch "(?m)^\\s*engine\\s*=\\s*\"postgres\"" .Values.config }}yes{{ end }}
{{- end }}

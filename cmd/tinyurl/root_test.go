package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRunTouchesNothingButWhatItIsGiven(t *testing.T) {
	for _, tc := range []struct {
		args           []string
		environ        []string
		code           int
		stdout, stderr string
	}{
		{args: []string{"version"}, code: 0, stdout: "tinyurl "},
		{args: []string{"--nosuch"}, code: 2, stderr: "unknown flag"},
		{args: []string{"serve", "--tls-cert", "x"}, code: 2, stderr: "--tls-cert and --tls-key go together"},
		{args: []string{"status", "--server", "example.org"}, code: 2, stderr: "--server"},
		{args: []string{"status"}, environ: []string{"TINYURL_SERVER=http://127.0.0.1:1", "TINYURL_SERVER=ftp://x"}, code: 2, stderr: "ftp://x"},
		{args: []string{"status", "--key-file", "/no/such/file"}, code: 2, stderr: "reading the key"},
		{args: []string{"token", "--data-dir", "/no/such/dir"}, code: 1, stderr: "no node has run"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(process{args: tc.args, environ: tc.environ, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr})
		if code != tc.code || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) {
			t.Errorf("%q: code %d, stdout %q, stderr %q", tc.args, code, &stdout, &stderr)
		}
		if tc.code != 0 && stdout.Len() > 0 {
			t.Errorf("%q: an error on stdout: %q", tc.args, &stdout)
		}
	}
}

func TestTheShellReadsAQuotedWordAsItWas(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "abc-1_2.3": "abc-1_2.3", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "~": "'~'", "a~": "'a~'",
	} {
		if got := shellQuote(word); got != want {
			t.Errorf("%q is quoted as %s, want %s", word, got, want)
		}
	}
}

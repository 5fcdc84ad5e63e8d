package link

import "testing"

func BenchmarkParseCode(b *testing.B) {
	for _, code := range []string{"Q7mX2kP", "a-slug_of-some-length", "favicon.ico"} {
		b.Run(code, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ParseCode(code)
			}
		})
	}
}

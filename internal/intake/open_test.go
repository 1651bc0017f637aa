package intake

import (
	"testing"
)

func BenchmarkOpenOnly(b *testing.B) {
	path := writeList(b, 1_000_000)
	for b.Loop() {
		f, _ := Open(path, Options{AsOf: asOf})
		f.Close()
	}
}
func BenchmarkRowsOnly(b *testing.B) {
	path := writeList(b, 1_000_000)
	f, _ := Open(path, Options{AsOf: asOf})
	for b.Loop() {
		n := 0
		for range f.Rows() {
			n++
		}
	}
}

//go:build linux

package processors

import (
	"runtime"
	"slices"
	"testing"
)

func TestABoundThreadHasNoOtherProcessors(t *testing.T) {
	all, err := Allowed()
	if err != nil || len(all) != runtime.NumCPU() {
		t.Fatalf("%v, %v; %d processors", all, err, runtime.NumCPU())
	}
	last := all[len(all)-1:]
	for on, want := range map[*[]int][]int{&last: last, {}: all} {
		var has []int
		if err := On(*on, func() (err error) { has, err = Allowed(); return err }); err != nil || !slices.Equal(has, want) {
			t.Errorf("on %v it has %v, %v", *on, has, err)
		}
	}
	if again, err := Allowed(); err != nil || !slices.Equal(again, all) {
		t.Errorf("others have %v, %v", again, err)
	}
	if err := On([]int{mask - 1}, func() error { return nil }); err == nil {
		t.Error("a thread runs on a processor that is not there")
	}
}

func TestServersAndGeneratorHaveNoProcessorInCommon(t *testing.T) {
	for _, c := range []struct{ all, servers, generator []int }{
		{[]int{3}, nil, nil},
		{[]int{0, 1}, []int{0}, []int{1}},
		{[]int{0, 2, 4}, []int{0}, []int{2, 4}},
		{[]int{0, 1, 2, 3}, []int{0, 1}, []int{2, 3}},
	} {
		servers, generator := Halves(c.all)
		if !slices.Equal(servers, c.servers) || !slices.Equal(generator, c.generator) {
			t.Errorf("of %v the servers have %v, the generator %v", c.all, servers, generator)
		}
	}
}

package fsm

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// slowRenames is a file system on which snapshots take their time to get their names.
type slowRenames struct {
	vfs.FS
	entered, proceed chan struct{}
}

func (f slowRenames) Rename(oldname, newname string) error {
	if strings.Contains(newname, "/snapshots/") {
		f.entered <- struct{}{}
		<-f.proceed
	}
	return f.FS.Rename(oldname, newname)
}

// Raft asks for the anchor at every look into its log, also while its own goroutine, and all followers, wait for the answer.
func TestTheAnchorIsKnownWhileADiskTakesItsTimeForASnapshot(t *testing.T) {
	mem := newDisk()
	fs := slowRenames{mem.MemFS, make(chan struct{}), make(chan struct{})}
	r := &replica{t: t, disk: mem, fatals: &fatals{}}
	c := config(mem, r.fatals.tell)
	c.FS = fs
	var err error
	if r.FSM, err = Open(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	h := entries(t, 20)
	r.ApplyBatch(h.span(1, 9))
	made := make(chan string)
	go func() { made <- r.snapshot(9) }()
	<-fs.entered
	if index, _ := r.Snapshots().Anchor(); index != 0 {
		t.Errorf("the anchor is at %d before there is a snapshot", index)
	}
	if list, err := r.Snapshots().List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	fs.proceed <- struct{}{}
	id := <-made
	if index, _ := r.Snapshots().Anchor(); index != 9 {
		t.Errorf("the anchor is at %d, and %s is there", index, id)
	}
}

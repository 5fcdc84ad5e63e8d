package cluster

import (
	"bytes"
	"crypto/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/cluster/member"
)

func newDir(t *testing.T) (dataDir, *vfs.MemFS) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	return dataDir{fs: mem, dir: "data"}, mem
}

func TestANodeKeepsItsIDAndRefusesAnothersDirectory(t *testing.T) {
	d, _ := newDir(t)
	r, err := d.node("n1", rand.Reader)
	if err != nil || r.ID.Name() != "n1" {
		t.Fatal(r, err)
	}
	r.Boot++
	if err := d.write("node.json", r); err != nil {
		t.Fatal(err)
	}
	again, err := d.node("n1", rand.Reader)
	if err != nil || again != r {
		t.Fatalf("got %+v, %v; want %+v", again, err, r)
	}
	if _, err := d.node("n2", rand.Reader); err == nil || !strings.Contains(err.Error(), "--name n1") {
		t.Fatalf("another node's directory: %v", err)
	}
}

func TestAMissingDamagedOrNewerRecord(t *testing.T) {
	d, _ := newDir(t)
	if r, err := d.cluster(); r != nil || err != nil {
		t.Fatal(r, err)
	}
	if err := d.write("cluster.json", clusterRecord{Format: dataFormat + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.cluster(); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Fatalf("newer format: %v", err)
	}
	if err := d.replace("node.json", []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.node("n1", rand.Reader); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("damaged: %v", err)
	}
}

func TestARecordSurvivesACrashWholeOrNotAtAll(t *testing.T) {
	d, mem := newDir(t)
	id, _ := member.NewID("n1", bytes.NewReader([]byte{1, 2, 3}))
	first := clusterRecord{Format: 1, ClusterID: member.Founding([]member.ID{id}, 0), Founders: []member.ID{id}}
	if err := d.write("cluster.json", first); err != nil {
		t.Fatal(err)
	}
	crashed := dataDir{fs: mem.CrashClone(vfs.CrashCloneCfg{}), dir: "data"}
	got, err := crashed.cluster()
	if err != nil || got == nil || !reflect.DeepEqual(*got, first) {
		t.Fatalf("after a crash: %+v, %v", got, err)
	}
}

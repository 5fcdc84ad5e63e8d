package disk

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/fsm/store"
)

const mebi = 1 << 20

// free is what the node is told.
func free(t *testing.T, d *Disk) int64 {
	t.Helper()
	usage, err := d.FS().GetDiskUsage("/")
	if err != nil || usage.TotalBytes != defaultCapacity || usage.AvailBytes+usage.UsedBytes != usage.TotalBytes {
		t.Fatalf("%+v, %v", usage, err)
	}
	return int64(usage.AvailBytes)
}

// hold makes a file that holds room back, as the product's ballast does.
func hold(t *testing.T, fs store.FS, name string, bytes int64) {
	t.Helper()
	f, err := fs.Create(name, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Preallocate(0, bytes), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestRoomIsTakenAndGivenBack(t *testing.T) {
	block := string(make([]byte, mebi))
	steps := []struct {
		what string
		do   func(t *testing.T, d *Disk) error
		used int64 // after it
	}{
		{"a directory", func(_ *testing.T, d *Disk) error { return d.FS().MkdirAll("/files/sub", 0o700) }, 0},
		{"a file", func(_ *testing.T, d *Disk) error { return write(d, "/files/a", block) }, mebi},
		{"another", func(_ *testing.T, d *Disk) error { return write(d, "/files/sub/b", block) }, 2 * mebi},
		{"the first once more", func(_ *testing.T, d *Disk) error { return write(d, "/files/a", block+block) }, 3 * mebi},
		{"a second name", func(_ *testing.T, d *Disk) error { return d.FS().Link("/files/a", "/files/sub/a2") }, 3 * mebi},
		{"ballast", func(t *testing.T, d *Disk) error { hold(t, d.FS(), "files/ballast", 64*mebi); return nil }, 67 * mebi},
		{"a name goes", func(_ *testing.T, d *Disk) error { return d.FS().Remove("/files/a") }, 67 * mebi},
		{"one replaces another", func(_ *testing.T, d *Disk) error { return d.FS().Rename("/files/sub/a2", "/files/sub/b") }, 66 * mebi},
		{"a directory moves", func(_ *testing.T, d *Disk) error { return d.FS().Rename("/files/sub", "/files/moved") }, 66 * mebi},
		{"a file changes inside its room", func(_ *testing.T, d *Disk) error {
			f, err := d.FS().OpenReadWrite("/files/moved/b", "test")
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte(block), mebi/2)
			return errors.Join(err, f.Close())
		}, 66 * mebi},
		{"a directory goes", func(_ *testing.T, d *Disk) error { return d.FS().RemoveAll("/files/moved") }, 64 * mebi},
		{"the ballast goes", func(_ *testing.T, d *Disk) error { return d.FS().Remove("/files/ballast") }, 0},
	}
	d := New()
	for _, step := range steps {
		if err := step.do(t, d); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if used := defaultCapacity - free(t, d); used != step.used {
			t.Fatalf("%s: %d bytes are used, want %d", step.what, used, step.used)
		}
		if used := defaultCapacity - free(t, d.after(t)); used != step.used {
			t.Errorf("%s: %d bytes are used in the next life, want %d", step.what, used, step.used)
		}
	}
}

// after counts a disk as a next life would.
func (d *Disk) after(*testing.T) *Disk {
	return assemble(d.mem, d.space.after(d.mem), d.history, newRand(1))
}

func TestAFullDiskTakesNothingUntilSomethingGoes(t *testing.T) {
	d := New()
	fs := d.FS()
	if err := fs.MkdirAll("/files", 0o700); err != nil {
		t.Fatal(err)
	}
	hold(t, fs, "/files/ballast", 64*mebi)
	open, err := fs.Create("/files/open", "test")
	if err != nil {
		t.Fatal(err)
	}
	d.SetFull(true)
	if free(t, d) != 0 {
		t.Errorf("%d bytes are free", free(t, d))
	}
	_, wrote := io.WriteString(open, "x")
	_, err = fs.OpenReadWrite("/files/new", "test")
	for what, err := range map[string]error{
		"a write": wrote, "a new file": write(d, "/files/new", ""), "a file to write": err, "a directory": fs.MkdirAll("/files/dir", 0o700),
		"a link": fs.Link("/files/open", "/files/link"), "room for a file": open.Preallocate(0, 1),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v, want ENOSPC", what, err)
		}
	}
	if err := errors.Join(fs.MkdirAll("/files", 0o700), open.Sync(), fs.Rename("/files/open", "/files/moved")); err != nil {
		t.Errorf("what needs no room: %v", err)
	}
	if err := fs.Remove("/files/ballast"); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write(make([]byte, 64*mebi)); err != nil {
		t.Errorf("in the room of the ballast: %v", err)
	}
	if _, err := io.WriteString(open, "x"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("after it: %v, want ENOSPC", err)
	}
	d.SetFull(false)
	if _, err := io.WriteString(open, "x"); err != nil {
		t.Error(err)
	}
	d.SetFree(10 * mebi)
	if got := free(t, d); got != 10*mebi {
		t.Errorf("%d bytes are free", got)
	}
}

func TestAFailingDiskAnswersWithAnErrorToChangesAlone(t *testing.T) {
	d := New()
	fs := d.FS()
	if err := errors.Join(fs.MkdirAll("/files", 0o700), write(d, "/files/a", "content")); err != nil {
		t.Fatal(err)
	}
	d.SetFailing(true)
	for what, err := range map[string]error{
		"a write": write(d, "/files/b", "x"), "a sync": flush(d, "/files"), "a removal": fs.Remove("/files/a"),
		"a rename": fs.Rename("/files/a", "/files/c"), "a link": fs.Link("/files/a", "/files/c"), "a directory": fs.MkdirAll("/files/d", 0o700),
	} {
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v, want EIO", what, err)
		}
	}
	if got := read(t, d, "/files/a"); got != "content" {
		t.Errorf("read %q", got)
	}
	d.SetFailing(false)
	if err := write(d, "/files/b", "x"); err != nil {
		t.Error(err)
	}
}

func TestSyncsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New()
		if err := d.FS().MkdirAll("/files", 0o700); err != nil {
			t.Fatal(err)
		}
		d.SetSyncDelay(time.Second)
		took := map[time.Duration]bool{}
		for range 20 {
			start := time.Now()
			if err := flush(d, "/files"); err != nil {
				t.Fatal(err)
			}
			elapsed := time.Since(start)
			if elapsed < time.Second/2 || elapsed > 3*time.Second/2 {
				t.Errorf("a sync took %v", elapsed)
			}
			took[elapsed] = true
		}
		if len(took) < 15 {
			t.Errorf("20 syncs took %d different times", len(took))
		}
	})
}

func TestAStalledDiskGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New()
		if err := d.FS().MkdirAll("/files", 0o700); err != nil {
			t.Fatal(err)
		}
		d.SetStalled(true)
		done := make(chan error, 2)
		go func() { done <- write(d, "/files/a", "x") }()
		go func() { done <- flush(d, "/files") }()
		time.Sleep(24 * time.Hour)
		if len(done) != 0 {
			t.Fatal("a stalled disk has done something")
		}
		if _, err := d.FS().List("/files"); err != nil {
			t.Errorf("a read: %v", err)
		}
		d.SetStalled(false)
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
}

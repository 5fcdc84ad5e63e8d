//go:build linux

package partition

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tinyurl/test/harness"
)

const (
	// diskSize is the size of a node's own disk: enough that the node holds its ballast.
	diskSize = 560 << 20
	// lowSpace is below the mark under which a node takes no writes.
	lowSpace = 96 << 20
)

// logFails makes the writes of a node's log fail or hang. A node whose log failed has ended, and is started again in the end.
func logFails(order string, who func(*world) *harness.Node) func(*world) func() {
	return func(w *world) func() {
		n := who(w)
		control := w.control(n)
		if order == "eio" {
			n.Leaving()
		}
		w.order(control, order)
		w.note("failpoint", "%s %s", n.Name(), order)
		if order == "eio" {
			w.ends(n)
		}
		return func() {
			w.order(control, "off")
			if !n.Running() {
				w.start(n)
			}
		}
	}
}

// ends waits until a node that cannot write has ended, which it must, and with exit code 1.
func (w *world) ends(n *harness.Node) {
	if exit := n.Wait(recoverWithin); exit.Code != 1 {
		w.Errorf("%s could not write and ended with %+v", n.Name(), exit)
	}
	w.note("stop", "%s, by itself", n.Name())
}

// order writes a failpoint's control file: another one is made and renamed, as a half written one would be obeyed as well.
func (w *world) order(control, order string) {
	err := os.WriteFile(control+".new", []byte(order), 0o600)
	if err == nil {
		err = os.Rename(control+".new", control)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// diskFills fills a node's disk, all but some bytes of it. A node that ends over it is started again on the full disk, and must
// redirect what it knows; with the space everything is back.
func diskFills(who func(*world) *harness.Node, left int64) func(*world) func() {
	return func(w *world) func() {
		n := who(w)
		if left == 0 {
			n.Leaving()
		}
		filler := filepath.Join(filepath.Dir(w.disks[n.Name()]), "filler")
		if err := fill(filler, left); err != nil {
			w.Fatalf("fill the disk of %s: %v", n.Name(), err)
		}
		w.fillers = append(w.fillers, filler)
		w.note("fill", "%s but for %d bytes", n.Name(), left)
		if left == 0 {
			w.ends(n)
			w.start(n)
			w.redirectsAlone(n)
		} else {
			w.noticesLowSpace(n)
		}
		return func() {
			if err := os.Remove(filler); err != nil {
				w.Fatal(err)
			}
		}
	}
}

// noticesLowSpace waits until a node says that its disk is nearly full, and does not lead.
func (w *world) noticesLowSpace(n *harness.Node) {
	w.eventually(leaderWithin, "a warning of "+n.Name()+", and another leader", func(ctx context.Context) error {
		status, err := n.Status(ctx)
		if err != nil || len(status.Groups) == 0 {
			return fmt.Errorf("the status of %s: %w", n.Name(), err)
		}
		warned := slices.ContainsFunc(status.Warnings, func(text string) bool { return strings.HasPrefix(text, "disk ") })
		if leads := status.Groups[0].State == "leader"; !warned || leads {
			return fmt.Errorf("warned: %v, leads: %v", warned, leads)
		}
		return nil
	})
}

// redirectsAlone waits until a node that cannot write redirects, and follows links that it knew when the row began.
func (w *world) redirectsAlone(n *harness.Node) {
	u := w.load.user()
	if w.known == 0 {
		w.Fatal("there is no link that every node is known to have")
	}
	w.eventually(harness.StartWithin, "redirects from "+n.Name()+" on a full disk", func(context.Context) error {
		if !n.Running() {
			return fmt.Errorf("it has ended:\n%s", end(n.Log()))
		}
		return w.cluster.Visit(n, w.book.at(0).Code).Err
	})
	for range 50 {
		link := w.book.at(u.r.IntN(w.known))
		if got := w.cluster.Visit(n, link.Code); got.Location != link.Target {
			w.violated("%s, on a full disk, visited for %s, which it knew: %s", n.Name(), link.Code, got)
		}
	}
	w.note("redirects", "%s, on a full disk", n.Name())
}

// fill takes the space of a disk, all but some bytes.
func fill(path string, left int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &disk); err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for free := int64(disk.Bavail) * disk.Bsize; free > left; free -= int64(len(block)) {
		if int64(len(block)) > free-left {
			block = block[:free-left]
		}
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) && left == 0 {
			return nil
		} else if err != nil {
			return err
		}
	}
	return file.Sync()
}

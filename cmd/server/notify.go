package server

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells a service manager of the states of an App.
type Notifier interface {
	// Notify sends one state, in sd_notify's words. Without a service manager it does nothing.
	Notify(state string) error
}

// Systemd is the Notifier for systemd, which tells the process about itself in NOTIFY_SOCKET.
type Systemd struct{}

// Notify sends the state.
func (Systemd) Notify(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	return nil
}

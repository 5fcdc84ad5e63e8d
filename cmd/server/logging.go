package server

import (
	"io"
	"log/slog"
)

// newLogger writes to w in the format of the settings. The level can be changed while it is in use.
func newLogger(w io.Writer, s LogSettings) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(s.Level)
	options := &slog.HandlerOptions{Level: level}
	if s.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), level
	}
	return slog.New(slog.NewTextHandler(w, options)), level
}

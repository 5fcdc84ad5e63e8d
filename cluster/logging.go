package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// hcLogger carries the messages of the hashicorp libraries into slog. Their levels are kept, but "info" of raft is what an
// operator calls detail.
type hcLogger struct {
	to   *slog.Logger
	name string
}

var _ hclog.Logger = hcLogger{}

func newHCLogger(to *slog.Logger, name string) hclog.Logger {
	return hcLogger{to: to.With("part", name), name: name}
}

func (l hcLogger) emit(level slog.Level, msg string, args []any) {
	if !l.to.Enabled(context.Background(), level) {
		return
	}
	l.to.Log(context.Background(), level, msg, plain(args)...)
}

// plain turns hclog's own argument types into text.
func plain(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case hclog.Format:
			out[i] = fmt.Sprintf(fmt.Sprint(v[0]), v[1:]...)
		default:
			out[i] = a
		}
	}
	return out
}

func (l hcLogger) Log(level hclog.Level, msg string, args ...any) {
	l.emit(slogLevel(level), msg, args)
}
func (l hcLogger) Trace(msg string, args ...any) { l.emit(slog.LevelDebug-4, msg, args) }
func (l hcLogger) Debug(msg string, args ...any) { l.emit(slog.LevelDebug, msg, args) }
func (l hcLogger) Info(msg string, args ...any)  { l.emit(slog.LevelInfo, msg, args) }
func (l hcLogger) Warn(msg string, args ...any)  { l.emit(slog.LevelWarn, msg, args) }

// nothingNew tells the answer that there is nothing to snapshot from the failures among which raft logs it.
func nothingNew(arg any) bool {
	err, ok := arg.(error)
	return ok && errors.Is(err, raft.ErrNothingNewToSnapshot)
}

func (l hcLogger) Error(msg string, args ...any) {
	level := slog.LevelError
	if slices.ContainsFunc(args, nothingNew) {
		level = slog.LevelDebug // an answer, which raft takes for a failure
	}
	l.emit(level, msg, args)
}

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Trace:
		return slog.LevelDebug - 4
	case hclog.Debug:
		return slog.LevelDebug
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

func (l hcLogger) enabled(level slog.Level) bool { return l.to.Enabled(context.Background(), level) }
func (l hcLogger) IsTrace() bool                 { return l.enabled(slog.LevelDebug - 4) }
func (l hcLogger) IsDebug() bool                 { return l.enabled(slog.LevelDebug) }
func (l hcLogger) IsInfo() bool                  { return l.enabled(slog.LevelInfo) }
func (l hcLogger) IsWarn() bool                  { return l.enabled(slog.LevelWarn) }
func (l hcLogger) IsError() bool                 { return l.enabled(slog.LevelError) }

func (l hcLogger) ImpliedArgs() []any { return nil }
func (l hcLogger) Name() string       { return l.name }

func (l hcLogger) With(args ...any) hclog.Logger {
	return hcLogger{to: l.to.With(plain(args)...), name: l.name}
}
func (l hcLogger) Named(name string) hclog.Logger      { return newHCLogger(l.to, name) }
func (l hcLogger) ResetNamed(name string) hclog.Logger { return newHCLogger(l.to, name) }
func (l hcLogger) SetLevel(hclog.Level)                {}
func (l hcLogger) GetLevel() hclog.Level               { return hclog.Info }

func (l hcLogger) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(o), "", 0)
}

func (l hcLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lineWriter{l.to} }

// lineWriter logs each write as one message.
type lineWriter struct{ to *slog.Logger }

func (w lineWriter) Write(p []byte) (int, error) {
	w.to.Info(string(bytes.TrimSpace(p)))
	return len(p), nil
}

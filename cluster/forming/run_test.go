package forming

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

var errUnreachable = errors.New("unreachable")

// config is of a node that expects three founders, sees nobody and reaches
// nobody.
func config(self member.ID, store Store) Config {
	return Config{
		Self: self, Expect: 3, Store: store,
		Peers:  peersFunc(func(string, member.ID, Proposal) (Answer, error) { return "", errUnreachable }),
		View:   func() []member.Member { return nil },
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader,
	}
}

// sees sets the view.
func sees(view ...member.Member) func(*Config) {
	return func(c *Config) { c.View = func() []member.Member { return view } }
}

// willing is a node that wants to found a cluster of three.
func willing(id member.ID) member.Member { return member.Member{ID: id, Expect: 3} }

// runFor runs f in the bubble for a while; the error is ctx's if it has not
// come to an end by then.
func runFor(t *testing.T, f *Former, d time.Duration) ([]member.ID, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return f.Run(ctx)
}

func TestALoneFounderFormsAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		store := &memory{}
		begin := time.Now()
		f := newB(t, store, func(c *Config) { c.Expect = 1 })
		set, err := runFor(t, f, time.Hour)
		if err != nil || !slices.Equal(set, []member.ID{"b"}) {
			t.Fatalf("set %v, %v", set, err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		if store.record(t).State != formed {
			t.Error("not on disk")
		}
	})
}

func TestTheFirstNOfTheViewAreProposedByTheFirstOfThem(t *testing.T) {
	view := []member.Member{
		willing("e"), willing("d"), willing("c"), willing("b"),
		{ID: "a1", Expect: 5},
		{ID: "a2", Expect: 3, Replica: true},
		{ID: "a3"},
		{ID: "a4", Expect: 3, Status: member.Failed},
		{ID: "a5", Expect: 3, Status: member.Left},
	}
	bubble.Test(t, func(t *testing.T) {
		var told []member.ID
		f := newB(t, &memory{}, func(c *Config) {
			sees(view...)(c)
			c.Peers = serially(func(kind string, to member.ID, p Proposal) (Answer, error) {
				if !slices.Equal(p.Set, []member.ID{"b", "c", "d"}) || p.Attempt == "" {
					t.Errorf("%s of %+v", kind, p)
				}
				if kind == "form" {
					told = append(told, to)
				}
				return Promised, nil
			})
		})
		set, err := runFor(t, f, time.Hour)
		if err != nil || !slices.Equal(set, []member.ID{"b", "c", "d"}) {
			t.Fatalf("set %v, %v", set, err)
		}
		synctest.Wait()
		slices.Sort(told)
		if !slices.Equal(told, []member.ID{"c", "d"}) {
			t.Errorf("told %v", told)
		}
	})
	bubble.Test(t, func(t *testing.T) {
		f := newB(t, &memory{}, sees(willing("a"), willing("c")))
		if set, err := runFor(t, f, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not the first, but %v, %v", set, err)
		}
		if f.Bound() {
			t.Error("not the first, but it proposed")
		}
	})
}

func TestTheDecisionIsOnDiskBeforeAnyoneIsTold(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		store := &memory{}
		f := newB(t, store, func(c *Config) {
			sees(willing("c"), willing("d"))(c)
			c.Peers = serially(func(kind string, _ member.ID, _ Proposal) (Answer, error) {
				if s := store.record(t).State; kind == "promise" && s != proposing || kind == "form" && s != formed {
					t.Errorf("%s while the disk says %q", kind, s)
				}
				return Promised, nil
			})
		})
		if _, err := runFor(t, f, time.Hour); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
}

func TestARefusalAbandonsAndReleasesAndTriesAgainLater(t *testing.T) {
	for _, refusal := range []Answer{Refused, Formed, "unheard of"} {
		bubble.Test(t, func(t *testing.T) {
			store := &memory{}
			var attempts, released []string
			f := newB(t, store, func(c *Config) {
				sees(willing("c"), willing("d"))(c)
				c.Peers = serially(func(kind string, to member.ID, p Proposal) (Answer, error) {
					switch {
					case kind == "release":
						if store.record(t).State != free {
							t.Error("released before it was abandoned on disk")
						}
						released = append(released, p.Attempt)
					case kind == "promise" && to == "c":
						attempts = append(attempts, p.Attempt)
					case kind == "promise":
						time.Sleep(time.Millisecond) // after c has promised
						return refusal, nil
					}
					return Promised, nil
				})
			})
			if set, err := runFor(t, f, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%v, %v", set, err)
			}
			if n := len(attempts); n < 5 || n > 15 {
				t.Errorf("%d attempts in a minute", n)
			}
			if len(released) != 2*len(attempts) {
				t.Errorf("%d releases of %d attempts by two nodes", len(released), len(attempts))
			}
			slices.Sort(attempts)
			if len(slices.Compact(attempts)) != len(attempts) {
				t.Error("an attempt id was used twice")
			}
		})
	}
}

func TestSilenceAbandonsTheAttempt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		store := &memory{}
		asked := 0
		f := newB(t, store, func(c *Config) {
			sees(willing("c"), willing("d"))(c)
			c.Peers = serially(func(kind string, to member.ID, _ Proposal) (Answer, error) {
				if kind == "promise" && to == "d" {
					asked++
					return "", errUnreachable
				}
				return Promised, nil
			})
		})
		// In the pause between the first attempt and the next.
		if _, err := runFor(t, f, Tuning{}.withDefaults().Attempt+400*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if store.record(t).State != free {
			t.Errorf("state %q, want free", store.record(t).State)
		}
		if asked < 8 {
			t.Errorf("asked %d times within one attempt", asked)
		}
	})
}

func TestARestartedProposerGoesOn(t *testing.T) {
	mine := attempt("1", "b", "c", "d")
	bubble.Test(t, func(t *testing.T) {
		asked := 0
		f := newB(t, bound(t, proposing, mine), func(c *Config) {
			c.Peers = serially(func(kind string, _ member.ID, p Proposal) (Answer, error) {
				if kind == "promise" {
					asked++
				}
				if p.Attempt != "1" {
					t.Errorf("%s of attempt %s", kind, p.Attempt)
				}
				return Promised, nil
			})
		})
		if set, err := runFor(t, f, time.Hour); err != nil || !slices.Equal(set, mine.Set) || asked != 2 {
			t.Errorf("undecided: %v, %v after %d questions", set, err, asked)
		}
		synctest.Wait()
	})
	bubble.Test(t, func(t *testing.T) {
		told := map[member.ID]int{}
		f := newB(t, bound(t, formed, mine), func(c *Config) {
			c.Peers = serially(func(kind string, to member.ID, _ Proposal) (Answer, error) {
				if kind != "form" {
					t.Errorf("%s after the decision", kind)
				}
				told[to]++
				if to == "d" {
					return "", errUnreachable
				}
				return "", nil
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if set, err := f.Run(ctx); err != nil || !slices.Equal(set, mine.Set) {
			t.Fatalf("decided: %v, %v", set, err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if told["c"] != 1 || told["d"] < 4 || told["d"] > 10 {
			t.Errorf("told %v, want c once and d now and then for a while", told)
		}
	})
}

func TestAPromisedNodeLearnsTheOutcome(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	own := member.Founding(abc.Set, 0)
	var unset member.Member
	for what, c := range map[string]struct {
		answer Answer
		seen   member.Member
		forms  bool // else it is free, and joins if there is something to join
		joins  bool
	}{
		"the proposer says founded":                    {Formed, unset, true, false},
		"the proposer says abandoned":                  {Refused, unset, false, false},
		"gossip shows the cluster of the set":          {"", member.Member{ID: "a", ClusterID: own}, true, false},
		"gossip shows it through a later member":       {"", member.Member{ID: "z", ClusterID: own}, true, false},
		"another of the set is in another cluster":     {"", member.Member{ID: "c", ClusterID: member.ClusterID{7}}, false, true},
		"abandoned, and there is another cluster":      {Refused, member.Member{ID: "z", ClusterID: member.ClusterID{7}}, false, true},
		"founded, though there is another cluster":     {Formed, member.Member{ID: "z", ClusterID: member.ClusterID{7}}, true, false},
		"founded, though gossip shows it as recovered": {"", member.Member{ID: "a", ClusterID: member.Founding(abc.Set, 1)}, false, true},
	} {
		t.Run(what, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				store := bound(t, promised, abc)
				f := newB(t, store, func(conf *Config) {
					if c.seen.ID != "" {
						sees(c.seen)(conf)
					}
					conf.Peers = peersFunc(func(kind string, to member.ID, p Proposal) (Answer, error) {
						if kind != "promise" || to != "a" || p.Attempt != "1" {
							t.Errorf("%s to %s about %s", kind, to, p.Attempt)
						}
						if c.answer == "" {
							return "", errUnreachable
						}
						return c.answer, nil
					})
				})
				set, err := runFor(t, f, time.Minute)
				switch {
				case c.forms:
					if err != nil || !slices.Equal(set, abc.Set) || store.record(t).State != formed {
						t.Errorf("%v, %v, on disk %q", set, err, store.record(t).State)
					}
				case c.joins != errors.Is(err, ErrFormedElsewhere) || f.Bound():
					t.Errorf("%v, %v, bound %v", set, err, f.Bound())
				}
			})
		})
	}
}

func TestAPromisedNodeStaysBoundBesideAnotherCluster(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newB(t, bound(t, promised, attempt("1", "a", "b", "c")), sees(member.Member{ID: "z", ClusterID: member.ClusterID{7}}))
		if set, err := runFor(t, f, time.Hour); !errors.Is(err, context.DeadlineExceeded) || !f.Bound() {
			t.Errorf("%v, %v, bound %v: the set it promised may have formed", set, err, f.Bound())
		}
	})
}

func TestAMessageEndsTheWaitAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		abc := attempt("1", "a", "b", "c")
		f := newB(t, bound(t, promised, abc), func(c *Config) {
			c.Tuning.Retry = time.Hour
			c.Peers = serially(func(string, member.ID, Proposal) (Answer, error) { return Promised, nil })
		})
		type result struct {
			set []member.ID
			err error
		}
		done := make(chan result, 1)
		go func() {
			set, err := f.Run(t.Context())
			done <- result{set, err}
		}()
		synctest.Wait()
		begin := time.Now()
		if err := f.HandleForm(t.Context(), "a", abc); err != nil {
			t.Fatal(err)
		}
		if r := <-done; r.err != nil || !slices.Equal(r.set, abc.Set) || time.Since(begin) != 0 {
			t.Errorf("%v, %v after %v", r.set, r.err, time.Since(begin))
		}
	})
}

func TestANodeThatIsToJoinPromisesNothingMore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		view := []member.Member{{ID: "z", ClusterID: member.ClusterID{7}}}
		f := newB(t, &memory{}, func(c *Config) { c.View = func() []member.Member { return view } })
		if _, err := runFor(t, f, time.Minute); !errors.Is(err, ErrFormedElsewhere) {
			t.Fatal(err)
		}
		view = nil // it is out of sight, but this node is on its way there
		if got, err := f.HandlePromise(t.Context(), "a", attempt("1", "a", "b", "c")); got != Formed || err != nil {
			t.Errorf("%q, %v, want Formed", got, err)
		}
	})
}

func TestAWaitingNodeSaysWhatAPersonMustDo(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		f := newB(t, bound(t, promised, attempt("1", "a", "b", "c")), func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(&logs, nil))
		})
		if _, err := runFor(t, f, 5*time.Minute+10*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if n := strings.Count(logs.String(), "does not hear from the proposer"); n < 8 || n > 10 {
			t.Errorf("%d reminders in five minutes", n)
		}
		for _, part := range []string{"proposer=a", "set=\"[a b c]\"", "file=memory", "delete the file", "gone for good"} {
			if !strings.Contains(logs.String(), part) {
				t.Errorf("the log does not say %q:\n%s", part, logs.String())
			}
		}
	})
}

func TestAFreeNodeSaysWhatItWaitsFor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		f := newB(t, &memory{}, func(c *Config) {
			sees(willing("c"))(c)
			c.Logger = slog.New(slog.NewTextHandler(&logs, nil))
		})
		if _, err := runFor(t, f, 95*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if n := strings.Count(logs.String(), "waiting to found a cluster"); n < 2 || n > 3 {
			t.Errorf("said %d times in 95 s:\n%s", n, logs.String())
		}
		if !strings.Contains(logs.String(), `in_sight="[b c]"`) {
			t.Errorf("nodes in sight are not named:\n%s", logs.String())
		}
	})
}

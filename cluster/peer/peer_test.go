package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/test/bubble"
)

type question struct{ N int }

type answer struct {
	Twice int
	From  member.ID
}

func TestACallCarriesItsMessageAndItsCaller(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "double", JSON[question, answer](), func(_ context.Context, from member.ID, q question) (answer, error) {
			return answer{2 * q.N, from}, nil
		})
		Handle(b.mux, "echo", Bytes(), echoed)
		got, err := Call(t.Context(), a.client, idB, "double", JSON[question, answer](), question{21})
		if err != nil || got != (answer{42, idA}) {
			t.Errorf("%+v, %v", got, err)
		}
		for _, text := range []string{"", "x", strings.Repeat("y", MaxBytes)} {
			if got, err := ask(t.Context(), a, idB, "echo", text); err != nil || got != text {
				t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
			}
		}
		if n := a.dials.Load(); n != 1 {
			t.Errorf("%d connections for four calls", n)
		}
		a.close(t)
		b.close(t)
	})
}

func TestTheDeadlineReachesTheHandlerWithinTheNodesOwn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, func(m *MuxConfig, c *ClientConfig) { m.MaxDuration, c.Timeout = time.Minute, 7*time.Second })
		Handle(b.mux, "left", JSON[struct{}, time.Duration](), func(ctx context.Context, _ member.ID, _ struct{}) (time.Duration, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return 0, errors.New("no deadline")
			}
			return time.Until(deadline), nil
		})
		for asked, want := range map[time.Duration]time.Duration{0: 7 * time.Second, time.Second: time.Second, time.Hour: time.Minute} {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if asked > 0 {
				ctx, cancel = context.WithTimeout(ctx, asked)
			}
			got, err := Call(ctx, a.client, idB, "left", JSON[struct{}, time.Duration](), struct{}{})
			cancel()
			if err != nil || got != want {
				t.Errorf("asked with %v: the handler has %v, %v", asked, got, err)
			}
		}
		a.close(t)
		b.close(t)
	})
}

func TestAHandlerThatMissesItsDeadlineIsUnknown(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, func(m *MuxConfig, _ *ClientConfig) { m.MaxDuration = time.Second })
		Handle(b.mux, "slow", Bytes(), func(ctx context.Context, _ member.ID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("gave up: %w", ctx.Err())
		})
		for _, patience := range []time.Duration{500 * time.Millisecond, 10 * time.Second} { // the caller's ends first, the node's does
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			start := time.Now()
			_, err := ask(ctx, a, idB, "slow", "x")
			if !errors.Is(err, context.DeadlineExceeded) || Unprocessed(err) || time.Since(start) > time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			cancel()
		}
		a.close(t)
		b.close(t)
	})
}

func TestACallerThatGoesAwayEndsTheHandler(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		started, ended := make(chan struct{}), make(chan struct{})
		Handle(b.mux, "wait", Bytes(), func(ctx context.Context, _ member.ID, _ []byte) ([]byte, error) {
			close(started)
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := ask(ctx, a, idB, "wait", "")
			failed <- err
		}()
		<-started
		start := time.Now()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
		<-ended
		if took := time.Since(start); took > 0 {
			t.Errorf("the handler ended after %v", took)
		}
		a.close(t)
		b.close(t)
	})
}

func TestErrorsKeepTheirIdentityAndWords(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		var result error
		Handle(b.mux, "fail", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) { return nil, result })
		for _, c := range []struct {
			err   error
			is    []error
			isNot []error
		}{
			{errTaken, []error{errTaken}, []error{errRetry, ErrInternal, ErrUnknown, ErrUnreachable}},
			{fmt.Errorf("slug abc: %w", errTaken), []error{errTaken}, []error{errRetry}},
			{errors.Join(errTaken, errRetry), []error{errTaken, errRetry}, []error{ErrInternal}},
			{errors.New("something else"), []error{ErrInternal}, []error{errTaken, ErrUnknown, ErrUnreachable}},
			{fmt.Errorf("asking a third node: %w", ErrUnknown), []error{ErrUnknown}, []error{ErrUnreachable}},
			// That the handler could not reach a third node does not mean that it did nothing itself.
			{fmt.Errorf("asking a third node: %w", ErrUnreachable), []error{ErrInternal}, []error{ErrUnreachable}},
			{errors.New(strings.Repeat("long ", 5000)), []error{ErrInternal}, nil},
		} {
			result = c.err
			_, err := ask(t.Context(), a, idB, "fail", "")
			for _, want := range c.is {
				if !errors.Is(err, want) {
					t.Errorf("%.60v came as %.200v, which is not %v", c.err, err, want)
				}
			}
			for _, other := range c.isNot {
				if errors.Is(err, other) {
					t.Errorf("%v came as %v, which is %v", c.err, err, other)
				}
			}
			if words := c.err.Error(); err == nil || !strings.Contains(err.Error(), words[:min(len(words), maxErrorText)]) {
				t.Errorf("%.60v lost its words: %.200v", c.err, err)
			}
			if Unprocessed(err) {
				t.Errorf("%v counts as not processed", err)
			}
		}
		if !strings.Contains(b.logs.String(), "something else") {
			t.Error("an error without a code is not in the log of the node that made it")
		}
		a.close(t)
		b.close(t)
	})
}

func TestCodesThatCannotBeUsedAreRefused(t *testing.T) {
	for _, c := range []Codes{{"": errTaken}, {"Taken": errTaken}, {"a,b": errTaken}, {"peer_x": errTaken}, {"taken": nil}} {
		if _, err := NewMux(MuxConfig{Codes: c}); !errors.Is(err, ErrInvalidCode) {
			t.Errorf("NewMux(%v): %v", c, err)
		}
		if _, err := NewClient(ClientConfig{Codes: c}); !errors.Is(err, ErrInvalidCode) {
			t.Errorf("NewClient(%v): %v", c, err)
		}
	}
	known, err := codes.with()
	if err != nil {
		t.Fatal(err)
	}
	if err := known.read("a_newer_code,taken", "words"); !errors.Is(err, errTaken) || errors.Is(err, ErrInternal) {
		t.Errorf("known among unknown codes: %v", err)
	}
	if err := known.read("a_newer_code", ""); !errors.Is(err, ErrInternal) || err.Error() == "" {
		t.Errorf("an unknown code: %v", err)
	}
}

func TestOneClustersNodesAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		Handle(b.mux, "hello", Bytes(), echoed, AcrossClusters())
		none, other := member.ClusterID{}, member.Founding([]member.ID{idA, idB}, 1)
		for _, c := range []struct {
			name         string
			ours, theirs *member.ClusterID
			ok           bool
		}{
			{"the same", &clusterOne, &clusterOne, true},
			{"another generation", &other, &clusterOne, false},
			{"the caller in none", &none, &clusterOne, false},
			{"the node in none", &clusterOne, &none, false},
			{"both in none", &none, &none, false},
		} {
			a.cluster.Store(c.ours)
			b.cluster.Store(c.theirs)
			_, err := ask(t.Context(), a, idB, "echo", "x")
			if c.ok && err != nil || !c.ok && (!errors.Is(err, ErrOtherCluster) || !Unprocessed(err)) {
				t.Errorf("%s: %v", c.name, err)
			}
			if _, err := ask(t.Context(), a, idB, "hello", "x", AcrossClusters()); err != nil {
				t.Errorf("%s, a call across clusters: %v", c.name, err)
			}
		}
		a.close(t)
		b.close(t)
	})
}

func TestMessagesAboveTheLimitAreRefusedOnBothSides(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		processed := 0
		count := func(_ context.Context, _ member.ID, body []byte) ([]byte, error) {
			processed++
			return body, nil
		}
		Handle(b.mux, "small", Bytes(), count, WithMaxBytes(10))
		Handle(b.mux, "large", Bytes(), count, WithMaxBytes(4*MaxBytes))
		if _, err := ask(t.Context(), a, idB, "small", "12345678901", WithMaxBytes(10)); !errors.Is(err, ErrTooLarge) || a.dials.Load() != 0 {
			t.Errorf("the caller's limit: %v", err)
		}
		if _, err := ask(t.Context(), a, idB, "small", "12345678901"); !errors.Is(err, ErrTooLarge) || !Unprocessed(err) {
			t.Errorf("the node's limit: %v", err)
		}
		if _, err := ask(t.Context(), a, idB, "small", strings.Repeat("x", MaxBytes)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("the node's limit, far exceeded: %v", err)
		}
		if processed != 0 {
			t.Errorf("%d messages above the limit were processed", processed)
		}
		big := strings.Repeat("x", 4*MaxBytes)
		if got, err := ask(t.Context(), a, idB, "large", big, WithMaxBytes(4*MaxBytes)); err != nil || got != big {
			t.Errorf("a raised limit: %v", err)
		}
		Handle(b.mux, "grow", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) { return make([]byte, 11), nil })
		if _, err := ask(t.Context(), a, idB, "grow", "", WithMaxBytes(10)); !errors.Is(err, ErrTooLarge) || !errors.Is(err, ErrUnknown) || Unprocessed(err) {
			t.Errorf("a response above the limit: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestMessagesThatCannotBeReadSayWhetherTheyWereProcessed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		number := JSON[int, int]()
		Handle(b.mux, "number", number, func(_ context.Context, _ member.ID, n int) (int, error) { return n, nil })
		if _, err := ask(t.Context(), a, idB, "number", "no number"); !errors.Is(err, ErrMalformed) || !Unprocessed(err) {
			t.Errorf("request: %v", err)
		}
		if _, err := Call(t.Context(), a.client, idB, "number", Codec[int, string]{
			EncodeRequest: number.EncodeRequest, DecodeResponse: unmarshal[string],
		}, 7); !errors.Is(err, ErrMalformed) || Unprocessed(err) {
			t.Errorf("response: %v", err)
		}
		if _, err := Call(t.Context(), a.client, idB, "number", JSON[func(), int](), nil); !errors.Is(err, ErrMalformed) || !Unprocessed(err) {
			t.Errorf("a request that cannot be written: %v", err)
		}
		Handle(b.mux, "unwritable", JSON[int, func()](), func(context.Context, member.ID, int) (func(), error) { return func() {}, nil })
		if _, err := Call(t.Context(), a.client, idB, "unwritable", number, 7); !errors.Is(err, ErrInternal) || Unprocessed(err) {
			t.Errorf("a response that cannot be written: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestUnknownCallsAndMethodsAreRefused(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		for _, name := range []string{"nothing", "", "echo/more", "../echo"} {
			if _, err := ask(t.Context(), a, idB, name, "x"); !errors.Is(err, ErrNoSuchCall) || !Unprocessed(err) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for _, c := range []struct{ method, url string }{{"GET", "/rpc/v1/echo"}, {"POST", "/rpc/v2/echo"}, {"POST", "/echo"}, {"POST", "echo"}} {
			w := &recorder{header: http.Header{}}
			r, err := http.NewRequestWithContext(t.Context(), c.method, "https://b-000002/"+strings.TrimPrefix(c.url, "/"), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			b.mux.ServeHTTP(w, r)
			if w.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", c.method, c.url, w.status)
			}
		}
		a.close(t)
		b.close(t)
	})
}

// recorder is a ResponseWriter for requests that never travelled.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func TestARequestWithoutACertificateIsNotHandled(t *testing.T) {
	m, err := NewMux(MuxConfig{})
	if err != nil {
		t.Fatal(err)
	}
	Handle(m, "echo", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) {
		t.Error("handled")
		return nil, nil
	}, AcrossClusters())
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://b/rpc/v1/echo", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	m.ServeHTTP(w, r)
	if w.status != http.StatusInternalServerError || !strings.Contains(w.body.String(), identity.ErrNotVerified.Error()) {
		t.Errorf("%d %s", w.status, w.body.String())
	}
}

func TestANameIsHandledOnce(t *testing.T) {
	m, err := NewMux(MuxConfig{})
	if err != nil {
		t.Fatal(err)
	}
	Handle(m, "echo", Bytes(), echoed)
	for _, name := range []string{"echo", "", "Echo", "a/b", "a b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was registered", name)
				}
			}()
			Handle(m, name, Bytes(), echoed)
		}()
	}
}

func TestANodeBeyondItsLimitShedsAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, func(m *MuxConfig, _ *ClientConfig) { m.MaxInFlight = 2 })
		release := make(chan struct{})
		Handle(b.mux, "hold", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) {
			<-release
			return nil, nil
		})
		var held sync.WaitGroup
		for range 2 {
			held.Go(func() {
				if _, err := ask(t.Context(), a, idB, "hold", ""); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if _, err := ask(t.Context(), a, idB, "hold", ""); !errors.Is(err, ErrOverloaded) || !Unprocessed(err) || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		close(release)
		held.Wait()
		if _, err := ask(t.Context(), a, idB, "hold", ""); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestAPanicIsAnAnswerAndTheNodeLives(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		w := newWorld()
		a := w.start(t, idA, secretOne, nil)
		b := w.start(t, idB, secretOne, func(m *MuxConfig, _ *ClientConfig) { m.MaxInFlight, m.Registerer = 1, registry })
		Handle(b.mux, "boom", Bytes(), func(context.Context, member.ID, []byte) ([]byte, error) { panic("no way on") })
		Handle(b.mux, "echo", Bytes(), echoed)
		if _, err := ask(t.Context(), a, idB, "boom", ""); !errors.Is(err, ErrInternal) {
			t.Error(err)
		}
		if _, err := ask(t.Context(), a, idB, "echo", ""); err != nil {
			t.Errorf("after the panic: %v", err)
		}
		if got := b.logs.String(); !strings.Contains(got, "no way on") || !strings.Contains(got, "peer_test.go") {
			t.Errorf("the log does not show the panic and its stack: %s", got)
		}
		families, err := registry.Gather()
		if err != nil || len(families) != 2 {
			t.Errorf("%d metrics, %v", len(families), err)
		}
		if _, err := NewMux(MuxConfig{Registerer: registry}); err == nil {
			t.Error("the same metrics were registered twice")
		}
		a.close(t)
		b.close(t)
	})
}

func TestWhatNeverLeftIsUnreachableAndSaysWhy(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		other := w.start(t, idC, secretTwo, nil)
		w.move("gone-000004", "gone:1")
		w.move("d-000005", b.addr)
		w.move("far-000006", "far:1")
		w.net.Part(a.addr, "far:1")
		for id, why := range map[member.ID]error{
			"nobody-000007": nil, "no id": member.ErrInvalidID, "gone-000004": memnet.ErrRefused,
			"d-000005": identity.ErrOtherNode, idC: identity.ErrOtherSecret, "far-000006": context.DeadlineExceeded,
		} {
			_, err := ask(t.Context(), a, id, "echo", "x")
			if !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnknown) || why != nil && !errors.Is(err, why) || !Unprocessed(err) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if _, err := ask(t.Context(), a, idB, "echo", "x"); err != nil {
			t.Errorf("another node's trouble: %v", err)
		}
		for _, n := range []*node{a, b, other} {
			n.close(t)
		}
	})
}

func TestASlowCallerIsCutOffAtItsDeadline(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		_, a, b := duo(t, nil)
		Handle(b.mux, "echo", Bytes(), echoed)
		conn, err := a.client.transport.NewClientConn(t.Context(), "https", "b-000002:443")
		if err != nil {
			t.Fatal(err)
		}
		never, end := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://b-000002/rpc/v1/echo", never)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(headerCluster, clusterOne.String())
		r.Header.Set(headerTimeout, "3000")
		start := time.Now()
		resp, err := conn.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if took := time.Since(start); err == nil && resp.StatusCode == http.StatusOK || took > 3*time.Second+answerGrace {
			t.Errorf("%v, %v after %v", resp, err, took)
		}
		synctest.Wait()
		if len(b.mux.slots) != 0 {
			t.Error("the slow caller still holds a slot")
		}
		_, _ = end.Close(), conn.Close()
		a.close(t)
		b.close(t)
	})
}

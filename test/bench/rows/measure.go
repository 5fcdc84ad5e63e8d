//go:build linux

package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// target is a side that is measured by load.
type target struct {
	name    string
	servers []*proc.Process // whose processor time counts
	load    load.Config     // all but the times
	units   int             // what a request does; 1 if 0
	reads   bool            // nothing is written
	apart   bool            // the servers run on the processors that are theirs alone, if there are such
}

// side makes it one.
func (b *Bench) side(t target) rounds.Side {
	return rounds.Side{
		Name:    t.name,
		Measure: func(ctx context.Context) (rounds.Sample, error) { return b.put(ctx, t, b.For) },
		Warm: b.warming(t.servers, t.reads, func(ctx context.Context, d time.Duration) (rounds.Sample, error) {
			return b.put(ctx, t, d)
		}),
	}
}

// put puts the load on the target once, for so long.
func (b *Bench) put(ctx context.Context, t target, d time.Duration) (rounds.Sample, error) {
	meter := &meter{servers: t.servers}
	if t.apart {
		meter.apart = b.apart
	}
	c := t.load
	c.Warm, c.For, c.Begin, c.End, c.Processors = b.Warm, d, meter.begin, meter.end, meter.apart.generator
	r, err := load.Run(ctx, c)
	if err == nil {
		err = errors.Join(meter.err, tolerable(r))
	}
	if err != nil {
		return rounds.Sample{}, err
	}
	return meter.sample(r, max(t.units, 1)), nil
}

// wrongPerMille is how many answers of a thousand may be wrong before a sample means nothing.
const wrongPerMille = 1

func tolerable(r load.Result) error {
	if r.Done == 0 || r.Wrong*1000 > r.Done*wrongPerMille {
		return fmt.Errorf("%d right answers and %d wrong ones, the first of which is %q", r.Done, r.Wrong, r.FirstWrong)
	}
	return nil
}

// meter reads the processor time of servers at two moments.
type meter struct {
	servers []*proc.Process
	apart   apart
	before  time.Duration
	took    time.Duration
	err     error
}

func (m *meter) begin() { m.before, m.err = proc.CPU(m.servers...) }

func (m *meter) end() {
	after, err := proc.CPU(m.servers...)
	m.took, m.err = after-m.before, errors.Join(m.err, err)
}

// sample puts together what a load met with and what its servers took.
func (m *meter) sample(r load.Result, units int) rounds.Sample {
	s := rounds.Sample{
		Rate: r.Rate() * float64(units), CPU: m.took.Seconds() / float64(r.Done) / float64(units), Median: r.Median, Tail: r.Tail,
	}
	if whole := r.CPU + m.took; whole > 0 {
		s.Share = r.CPU.Seconds() / whole.Seconds()
	}
	if of := m.apart; of.generator != nil {
		s.Servers = m.took.Seconds() / r.Took.Seconds() / float64(len(of.servers))
		s.Generator = r.CPU.Seconds() / r.Took.Seconds() / float64(len(of.generator))
	}
	return s
}

// poll is how often a wait looks.
const poll = 5 * time.Millisecond

// wait asks until there is no error, the process has ended, or the time is over.
func wait(ctx context.Context, p *proc.Process, within time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if p != nil {
			if ended := p.Ended(); ended != nil {
				return ended
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", within, err)
		}
	}
}

// askWithin bounds one question.
const askWithin = 5 * time.Second

// fetch gets a page.
func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := visitor.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return string(body), err
}

// visitor keeps no connection, so that none is in the way of a server that ends, and follows no redirect.
var visitor = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// waitHTTP waits until a server answers with 200.
func waitHTTP(ctx context.Context, p *proc.Process, url string, within time.Duration) error {
	return wait(ctx, p, within, func(ctx context.Context) error {
		_, err := fetch(ctx, url)
		return err
	})
}

// output runs a program to its end and gives what it prints.
func (b *Bench) output(ctx context.Context, path string, args ...string) (string, error) {
	out, _, err := b.timed(ctx, path, args...)
	return out, err
}

// timed is output, with the processor time that the program took.
func (b *Bench) timed(ctx context.Context, path string, args ...string) (string, time.Duration, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = b.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("%s %v: %w: %.2000s", path, args, err, out)
	}
	return string(out), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

//go:build linux

package rows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tinyurl/test/bench/rounds"
)

// wrkScript gives each thread the codes and a request for one of them by chance; %s is the file of them.
const wrkScript = `local codes, n = {}, 0
function init(args)
	math.randomseed(os.time())
	for line in io.lines(%q) do
		n = n + 1
		codes[n] = wrk.format("GET", "/" .. line:sub(1, 7))
	end
end
function request() return codes[math.random(n)] end
`

// wrkCodes is how many codes wrk chooses from: its memory is limited, and the map is no slower for more of them.
const wrkCodes = 100_000

// wrkSide loads a target with wrk, to see what our own generator is worth.
func (b *Bench) wrkSide(ctx context.Context, s *stock, t target) (rounds.Side, error) {
	program, err := b.tool(ctx, "wrk", "/usr/bin/wrk", "wrk")
	if err != nil {
		return rounds.Side{}, err
	}
	codes, script := filepath.Join(b.Dir, "codes.txt"), filepath.Join(b.Dir, "wrk.lua")
	if err := s.write(codes, "%s %s\n", min(b.Stock, wrkCodes)); err != nil {
		return rounds.Side{}, err
	}
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkScript, codes), 0o644); err != nil {
		return rounds.Side{}, err
	}
	run := func(ctx context.Context) (rounds.Sample, error) {
		seconds := max(int((b.Warm+b.For)/time.Second), 1)
		out, err := b.output(ctx, program, "-t", strconv.Itoa(runtime.NumCPU()), "-c", strconv.Itoa(visitors), "-d", fmt.Sprintf("%ds", seconds),
			"-s", script, "http://"+t.load.Targets[0])
		if err != nil {
			return rounds.Sample{}, err
		}
		return wrkSample(out)
	}
	return rounds.Side{Name: "wrk upon bare", Measure: run}, nil
}

// wrkSample reads what wrk prints.
func wrkSample(out string) (rounds.Sample, error) {
	if strings.Contains(out, "Non-2xx") || strings.Contains(out, "Socket errors") {
		return rounds.Sample{}, fmt.Errorf("wrk had wrong answers: %s", out)
	}
	_, rest, ok := strings.Cut(out, "Requests/sec:")
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		return rounds.Sample{}, fmt.Errorf("wrk printed no rate: %s", out)
	}
	rate, err := strconv.ParseFloat(fields[0], 64)
	return rounds.Sample{Rate: rate}, err
}

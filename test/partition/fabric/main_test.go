package fabric

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable has the test binary do something else inside than run tests, for the tests of Enter.
const roleVariable = "TINYURL_FABRIC_ROLE"

func TestMain(m *testing.M) {
	code, inside := Enter()
	if role := os.Getenv(roleVariable); inside && role != "" {
		code = play(role)
	} else if inside {
		code = m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// play is what an inner process does for a test.
func play(role string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	fmt.Println(os.Getpid(), os.Args[1:])
	if role == "wait" {
		fmt.Println(<-signals)
	}
	return 7
}

package cluster

import (
	"testing"
	"time"
)

func TestAClusterThatIsClosedLeavesNothingRunning(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		v.create(v.leader(), 5)
		v.create(v.follower(), 5)
		lost := v.follower()
		v.kill(lost)
		v.create(v.leader(), 5)
		v.start(lost)
		v.writable(lost)
		time.Sleep(12 * time.Minute) // idle connections are closed meanwhile
		v.create(lost, 1)
	})
}

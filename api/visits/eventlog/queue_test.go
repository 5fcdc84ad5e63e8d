package eventlog

import "testing"

func TestRoomIsUsedAgainUnlessItIsLarge(t *testing.T) {
	q := newQueue(DefaultQueueBytes, LeastBytes)
	for spare, want := range map[int]int{0: 0, leastRoom: leastRoom, keptRoom: keptRoom, keptRoom + 1: 0} {
		q.take(make([]byte, spare/2, spare))
		if left := q.take(nil).lines; cap(left) != want || len(left) != 0 {
			t.Errorf("of %d bytes of room %d are kept with %d in it, want %d and 0", spare, cap(left), len(left), want)
		}
	}
}

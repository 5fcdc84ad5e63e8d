package fabric

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// ipv4 is a frame to a host with a packet of that many words of header.
func ipv4(to hardwareAddress, words, protocol byte, fragment uint16, ports ...uint16) []byte {
	frame := make([]byte, 14, 100)
	copy(frame, to[:])
	binary.BigEndian.PutUint16(frame[12:], etherIPv4)
	ip := make([]byte, int(words)*4)
	ip[0] = 4<<4 | words
	binary.BigEndian.PutUint16(ip[6:], fragment)
	ip[9] = protocol
	frame = append(frame, ip...)
	for _, port := range ports {
		frame = binary.BigEndian.AppendUint16(frame, port)
	}
	return frame
}

func TestParseFindsWhatRulesLookAt(t *testing.T) {
	to := hardwareAddressOf(netip.MustParseAddr("10.99.0.7"))
	for name, c := range map[string]struct {
		frame               []byte
		source, destination uint16
	}{
		"TCP":              {ipv4(to, 5, protoTCP, 0, 40000, 7000), 40000, 7000},
		"UDP":              {ipv4(to, 5, protoUDP, 0, 7946, 7947), 7946, 7947},
		"with options":     {ipv4(to, 7, protoUDP, 0, 7946, 7947), 7946, 7947},
		"not to be cut":    {ipv4(to, 5, protoUDP, 0x4000, 7946, 7947), 7946, 7947},
		"a first fragment": {ipv4(to, 5, protoUDP, 0x2000, 7946, 7947), 7946, 7947},
		"another fragment": {ipv4(to, 5, protoUDP, 185, 7946, 7947), 0, 0},
		"a ping":           {ipv4(to, 5, 1, 0, 7946, 7947), 0, 0},
		"no room":          {ipv4(to, 5, protoTCP, 0, 7946), 0, 0},
	} {
		want := header{to: to, protocol: etherIPv4, source: c.source, destination: c.destination}
		if got, ok := parse(c.frame); !ok || got != want {
			t.Errorf("%s: %+v, %v; not %+v", name, got, ok, want)
		}
	}
	if to.toAll() || !(hardwareAddress{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}).toAll() {
		t.Error("a frame for one host is for all, or the other way round")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ipv4(hardwareAddress{}, 5, protoTCP, 0, 1, 2))
	f.Add(ipv4(hardwareAddress{}, 15, protoUDP, 0, 1, 2))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, ok := parse(frame)
		if ok != (len(frame) >= 14) {
			t.Errorf("a frame of %d bytes: %v", len(frame), ok)
		}
		if h.protocol != etherIPv4 && (h.source != 0 || h.destination != 0) {
			t.Errorf("ports in %+v", h)
		}
	})
}

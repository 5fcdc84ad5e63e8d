//go:build linux

package fabric

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// within is when what must happen has failed. It is generous: it says nothing of speed.
const within = 20 * time.Second

// connect dials from a host. The connection ends with the test.
func connect(t *testing.T, from *Host, network, ip string, port int) net.Conn {
	t.Helper()
	conn, err := dial(from, network, ip, port, within)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dial(from *Host, network, ip string, port int, within time.Duration) (conn net.Conn, err error) {
	err = from.Do(func() (err error) {
		conn, err = net.DialTimeout(network, net.JoinHostPort(ip, strconv.Itoa(port)), within)
		return err
	})
	return conn, err
}

// echo answers every datagram to a host's port with itself, until the test ends.
func echo(t *testing.T, at *Host, port int) {
	t.Helper()
	conn := listenPacket(t, at, port)
	over := make(chan struct{})
	go func() {
		defer close(over)
		buffer := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo(buffer[:n], from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-over })
}

func listenPacket(t *testing.T, at *Host, port int) (conn net.PacketConn) {
	t.Helper()
	if err := at.Do(func() (err error) {
		conn, err = net.ListenPacket("udp4", net.JoinHostPort(at.IP(), strconv.Itoa(port)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// listen makes a TCP listener on a host.
func listen(t *testing.T, at *Host, port int) (l net.Listener) {
	t.Helper()
	if err := at.Do(func() (err error) {
		l, err = net.Listen("tcp4", net.JoinHostPort(at.IP(), strconv.Itoa(port)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// echoStream takes connections on a host's port and sends back what comes.
func echoStream(t *testing.T, at *Host, port int) {
	t.Helper()
	l := listen(t, at, port)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(conn, conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-over })
}

// roundTrip sends a datagram and waits for one, and gives the time.
func roundTrip(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if !answered(t, conn, within) {
		t.Fatalf("no answer within %v", within)
	}
	return time.Since(began)
}

// answered sends a datagram and reports whether one comes back in time.
func answered(t *testing.T, conn net.Conn, patience time.Duration) bool {
	t.Helper()
	if _, err := conn.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	return hears(t, conn, patience)
}

// hears reports whether anything comes in time.
func hears(t *testing.T, conn net.Conn, patience time.Duration) bool {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	_, err := conn.Read(make([]byte, 2048))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return err == nil
}

// sendNumbered sends datagrams with the numbers from 0 on.
func sendNumbered(t *testing.T, conn net.Conn, count int) {
	t.Helper()
	for n := range count {
		if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, uint32(n))); err != nil {
			t.Fatal(err)
		}
	}
}

// receiveNumbered gives the numbers that come, in their order, until it has seen the wanted count.
func receiveNumbered(t *testing.T, conn net.PacketConn, count int) []int {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(within))
	var numbers []int
	buffer := make([]byte, 16)
	for len(numbers) < count {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("after %d of %d datagrams: %v", len(numbers), count, err)
		}
		if n == 4 {
			numbers = append(numbers, int(binary.BigEndian.Uint32(buffer)))
		}
	}
	return numbers
}

// two are two hosts of a new fabric, the second with an echo for UDP on port 7 and a connection to it from the first.
func two(t *testing.T) (f *Fabric, a, b *Host, conn net.Conn) {
	t.Helper()
	f = New(t)
	a, b = f.Host("a"), f.Host("b")
	echo(t, b, 7)
	conn = connect(t, a, "udp4", b.IP(), 7)
	roundTrip(t, conn)
	return f, a, b, conn
}

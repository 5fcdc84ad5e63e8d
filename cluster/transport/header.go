package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tinyurl/cluster/member"
)

// A raft connection begins, inside TLS, with the acceptor's greeting (one byte: the newest header version it reads), the
// dialler's header and the acceptor's verdict; then it is raft's. The acceptor speaks first so that a dialler whose
// certificate was refused reads the refusal, and not the reset of a connection it had already written to.
//
//	header:  magic "tURL" | version 1 | group uint32 | cluster id [16] | length uint8, from | length uint8, to
//	verdict: status uint8 | length uint8, reason
const (
	headerMagic   = "tURL"
	headerVersion = 1
	headerFixed   = len(headerMagic) + 1 + 4 + len(member.ClusterID{})
	maxReason     = 255
)

// header says who wants to speak of what with whom.
type header struct {
	group    uint32
	cluster  member.ClusterID
	from, to member.ID
}

// writeTo sends the header in one write. It fails with member.ErrInvalidID before anything is sent.
func (h header) writeTo(w io.Writer) error {
	b := make([]byte, 0, headerFixed+2+2*member.MaxID)
	b = append(b, headerMagic...)
	b = append(b, headerVersion)
	b = binary.BigEndian.AppendUint32(b, h.group)
	b = append(b, h.cluster[:]...)
	for _, id := range []member.ID{h.from, h.to} {
		if _, err := member.ParseID(string(id)); err != nil {
			return err
		}
		b = append(b, byte(len(id)))
		b = append(b, id...)
	}
	_, err := w.Write(b)
	return err
}

// readHeader reads no byte beyond the header. It fails with ErrHeader, or the error of r.
func readHeader(r io.Reader) (header, error) {
	var fixed [headerFixed]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return header{}, fmt.Errorf("reading the connection header: %w", err)
	}
	rest := fixed[:]
	if !bytes.HasPrefix(rest, []byte(headerMagic)) {
		return header{}, fmt.Errorf("%w: it is none of ours", ErrHeader)
	}
	rest = rest[len(headerMagic):]
	if rest[0] != headerVersion {
		return header{}, fmt.Errorf("%w: version %d, this node reads %d", ErrHeader, rest[0], headerVersion)
	}
	h := header{group: binary.BigEndian.Uint32(rest[1:])}
	copy(h.cluster[:], rest[5:])
	for _, id := range []*member.ID{&h.from, &h.to} {
		s, err := readShort(r, member.MaxID)
		if err != nil {
			return header{}, err
		}
		if *id, err = member.ParseID(s); err != nil {
			return header{}, fmt.Errorf("%w: %w", ErrHeader, err)
		}
	}
	return h, nil
}

// readShort reads a length byte and that many bytes, up to limit.
func readShort(r io.Reader, limit int) (string, error) {
	var b [256]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return "", fmt.Errorf("reading the connection header: %w", err)
	}
	n := int(b[0])
	if n > limit {
		return "", fmt.Errorf("%w: a part of %d bytes, more than %d", ErrHeader, n, limit)
	}
	if _, err := io.ReadFull(r, b[:n]); err != nil {
		return "", fmt.Errorf("reading the connection header: %w", err)
	}
	return string(b[:n]), nil
}

// status is the acceptor's verdict as it stands on the wire: numbers are never given a new meaning.
type status uint8

const accepted status = 0 // followed by an empty reason

// verdicts pairs each refusal with its number.
var verdicts = map[status]error{
	1: ErrOtherCluster,
	2: ErrNotAddressed,
	3: ErrUnknownGroup,
	4: ErrNotItself,
	5: ErrHeader,
}

// writeVerdict tells the dialler nil or the refusal, and the reason in words.
func writeVerdict(w io.Writer, refusal error) error {
	if refusal == nil {
		_, err := w.Write([]byte{byte(accepted), 0})
		return err
	}
	code := status(5) // the header was at fault, if nothing better is known
	for s, sentinel := range verdicts {
		if errors.Is(refusal, sentinel) {
			code = s
		}
	}
	reason := refusal.Error()
	reason = reason[:min(len(reason), maxReason)]
	_, err := w.Write(append([]byte{byte(code), byte(len(reason))}, reason...))
	return err
}

// refusal is what the other side said when it refused: its words, and our sentinel for errors.Is.
type refusal struct {
	sentinel error
	reason   string
}

// Error is the other side's words; Unwrap gives errors.Is the sentinel.
func (r *refusal) Error() string { return fmt.Sprintf("refused by the other side: %s", r.reason) }
func (r *refusal) Unwrap() error { return r.sentinel }

// readVerdict is nil when the connection was accepted, else a *refusal, or the error of r.
func readVerdict(r io.Reader) error {
	var s [1]byte
	if _, err := io.ReadFull(r, s[:]); err != nil {
		return fmt.Errorf("reading the verdict: %w", err)
	}
	reason, err := readShort(r, maxReason)
	if err != nil {
		return err
	}
	if status(s[0]) == accepted {
		return nil
	}
	sentinel, known := verdicts[status(s[0])]
	if !known {
		sentinel = ErrHeader // a newer node's reason: its words must do
	}
	return &refusal{sentinel, reason}
}

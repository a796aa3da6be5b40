package ipc

import (
	"os"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"call", "result"} {
		b.Run(name, func(b *testing.B) {
			m := golden[name].message
			b.ReportAllocs()
			for b.Loop() {
				AppendFrame(nil, Encode(m, 0))
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"call", "result"} {
		b.Run(name, func(b *testing.B) {
			frame := readGolden(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := decode(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConn is one Send and one Receive with no peer between them: what
// this side adds to a round trip.
func BenchmarkConn(b *testing.B) {
	conn, peer, err := Pair()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	defer peer.Close()
	result := readGolden(b, "result")
	buffer := make([]byte, MaxFrame)
	b.ReportAllocs()
	for b.Loop() {
		if err := conn.Send(golden["call"].message, 0); err != nil {
			b.Fatal(err)
		}
		swap(b, peer, buffer, result)
		if _, _, _, err := conn.Receive(0); err != nil {
			b.Fatal(err)
		}
	}
}

// swap reads one frame as a peer and answers with another.
func swap(b *testing.B, peer *os.File, buffer, answer []byte) {
	if _, err := peer.Read(buffer); err != nil {
		b.Fatal(err)
	}
	if _, err := peer.Write(answer); err != nil {
		b.Fatal(err)
	}
}

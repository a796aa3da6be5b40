package ipc

import (
	"errors"
	"io"
	"testing"
)

func TestConnReceiveSoon(t *testing.T) {
	conn, peer := pair(t)
	if _, _, _, err := conn.ReceiveSoon(0); err != ErrNotYet {
		t.Errorf("ReceiveSoon of nothing = error %v; want ErrNotYet", err)
	}
	for range 3 {
		post(t, peer, readGolden(t, "hello"))
		if m, _, _, err := conn.ReceiveSoon(0); err != nil || m.Type() != TypeHello {
			t.Errorf("ReceiveSoon = %+v, %v; want hello", m, err)
		}
	}
	peer.Close()
	if _, _, _, err := conn.ReceiveSoon(0); !errors.Is(err, io.EOF) {
		t.Errorf("ReceiveSoon at the end = error %v; want io.EOF", err)
	}
}

// Looking in vain is left out, twice as often each time, until it pays.
func TestPatience(t *testing.T) {
	oneLooks(t)
	var p patience
	for _, left := range []int{2, 4, 8, 16, 32, 64, 128, mostPenalty, mostPenalty} {
		if !p.begin() {
			t.Fatal("it does not look")
		}
		p.end(false)
		skipped := 0
		for ; !p.begin(); skipped++ {
		}
		if skipped != left {
			t.Errorf("%d looks were left out; want %d", skipped, left)
		}
		<-looking // of the begin that counted
	}
	p.left = 0
	p.begin()
	p.end(true)
	if !p.begin() {
		t.Fatal("it does not look after it paid")
	}
	p.end(false)
	if p.left != 2 {
		t.Errorf("%d looks are left out after one in vain; want 2", p.left)
	}
}

// Few look at a time.
func TestPatienceIsBounded(t *testing.T) {
	oneLooks(t)
	var first, second patience
	if !first.begin() {
		t.Fatal("it does not look")
	}
	if second.begin() {
		t.Error("two look where one may")
	}
	first.end(true)
	if !second.begin() {
		t.Error("the second does not look after the first")
	}
}

// oneLooks has the test be the same on any machine: on one processor nobody
// looks.
func oneLooks(t *testing.T) {
	before := looking
	looking = make(chan struct{}, 1)
	t.Cleanup(func() { looking = before })
}

package supervisor

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		var fired atomic.Bool
		c.start(10*time.Second, func() { fired.Store(true) })
		time.Sleep(4 * time.Second)
		c.pause()
		c.pause()
		time.Sleep(time.Hour)
		if got := c.reading(); got != 4*time.Second || fired.Load() {
			t.Errorf("after a pause: reading %v, fired %v; want 4s, false", got, fired.Load())
		}
		c.resume()
		c.resume()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := c.reading(); got != 9*time.Second || fired.Load() {
			t.Errorf("resumed: reading %v, fired %v; want 9s, false", got, fired.Load())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !fired.Load() {
			t.Error("at the limit: not fired")
		}
		c.stop()
		c.resume()
		time.Sleep(time.Second)
		if got := c.reading(); got != 10*time.Second {
			t.Errorf("stopped: reading %v; want 10s", got)
		}
	})
}

func TestClockStoppedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		c.start(time.Second, func() { t.Error("fired after stop") })
		c.stop()
		time.Sleep(time.Minute)
		if got := c.reading(); got != 0 {
			t.Errorf("reading %v; want 0", got)
		}
	})
}

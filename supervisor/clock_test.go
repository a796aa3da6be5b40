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
		c.begin(10*time.Second, func(time.Duration) { fired.Store(true) })
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
		c.begin(time.Second, func(time.Duration) { t.Error("fired after stop") })
		c.stop()
		time.Sleep(time.Minute)
		if got := c.reading(); got != 0 {
			t.Errorf("reading %v; want 0", got)
		}
	})
}

// A call's limit counts from its beginning, whatever was used before.
func TestClockOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		var fired time.Duration
		for range 3 {
			c.begin(2*time.Second, func(limit time.Duration) { fired = limit })
			time.Sleep(1500 * time.Millisecond)
			c.rest()
			time.Sleep(time.Hour)
		}
		if got := c.reading(); got != 4500*time.Millisecond || fired != 0 {
			t.Errorf("after three calls: reading %v, fired at %v; want 4.5s, 0", got, fired)
		}
		c.begin(time.Second, func(limit time.Duration) { fired = limit })
		time.Sleep(time.Second)
		synctest.Wait()
		if fired != time.Second {
			t.Errorf("fired at %v; want 1s", fired)
		}
	})
}

package supervisor

import (
	"sync"
	"time"
)

// clock is a model's wall clock: it runs while the model does, in a launch or
// a call, stands still while a person or the host is asked, and fires once a
// call has run for its limit. It is safe for concurrent use.
type clock struct {
	mu      sync.Mutex
	ran     time.Duration // in all, before since
	since   time.Time     // zero while it stands
	until   time.Duration // of ran, when it fires
	timer   *time.Timer
	fire    func()
	turn    uint64 // counts what the timer was set for
	active  bool   // between begin and rest
	stopped bool
}

// begin sets it running, with a function to call when it has run for limit
// from here.
func (c *clock) begin(limit time.Duration, fire func(limit time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.until, c.fire, c.active = c.ran+limit, func() { fire(limit) }, true
	c.run()
}

func (c *clock) run() {
	c.since = time.Now()
	c.turn++
	turn := c.turn
	c.timer = time.AfterFunc(c.until-c.ran, func() { c.reached(turn) })
}

// reached fires, unless the call has ended while the timer did.
func (c *clock) reached(turn uint64) {
	c.mu.Lock()
	due := !c.since.IsZero() && c.turn == turn
	fire := c.fire
	c.mu.Unlock()
	if due {
		fire()
	}
}

// rest is the end of a call.
func (c *clock) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	c.active = false
}

// pause stands the clock still; resume lets it go on.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
}

func (c *clock) halt() {
	if c.since.IsZero() {
		return
	}
	c.timer.Stop()
	c.ran += time.Since(c.since)
	c.since = time.Time{}
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active && !c.stopped && c.since.IsZero() {
		c.run()
	}
}

// add counts time that passed while it stood, in calls that go another way.
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran += d
	c.until += d
}

// stop ends it; its reading stays.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	c.stopped = true
}

// reading is how long it has run.
func (c *clock) reading() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return c.ran
	}
	return c.ran + time.Since(c.since)
}

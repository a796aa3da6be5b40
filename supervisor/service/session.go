package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
	"hotcell/syscallpolicy"
)

// session is one model of a client, with its socket.
type session struct {
	server *Server
	conn   *ipc.Conn
	launch *ipc.Launch
	files  []*os.File // of the launch, not looked at yet
	spec   supervisor.Spec
	model  *supervisor.Model

	cancel     func()        // of the launch
	launched   chan struct{} // closed when the launch is over; model is set then, or missing
	missing    *supervisor.Outcome
	work       sync.WaitGroup // the launch or the call under way
	over       chan error     // how the conversation ended, once; nil if the client closed the model
	aside      atomic.Pointer[func()]
	waiting    atomic.Bool // the client waits for a launch or a call: it answers questions
	calling    atomic.Bool
	turn       sync.Mutex // held over a call and its answer
	questions  sync.Mutex
	asked      uint32 // the sequence number of the last question
	decisions  chan decision
	deliveries chan delivery

	follow  []*os.File             // where the model's output goes
	regions map[uint64]*shm.Region // the client's, by its numbers
	results results
	lined   ipc.Attached // what there is to say of the line, empty without one
}

// decision is the answer to the question of a sequence number.
type decision struct {
	seq     uint32
	message *ipc.Decision
}

// newSession takes the model's socket over, and with it all files.
func newSession(server *Server, launch *ipc.Launch, files []*os.File) (*session, error) {
	kind, err := unix.GetsockoptInt(int(files[0].Fd()), unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, fmt.Errorf("%w: a launch without the model's socket", ipc.ErrFrame)
	}
	socket, err := reopened(files[0], true)
	if err != nil {
		return nil, err
	}
	files[0].Close()
	return &session{
		server: server, conn: ipc.NewConn(socket), launch: launch, files: files[1:],
		decisions: make(chan decision, 1), deliveries: make(chan delivery, 1), over: make(chan error, 1), regions: map[uint64]*shm.Region{},
	}, nil
}

// reopened is the same once more. A socket of a conversation blocks, see
// ipc.NewConn; a pipe does not, so that Go can give up waiting for it.
func reopened(f *os.File, blocking bool) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, !blocking); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "model"), nil
}

// run serves the model until the client closes it or goes away.
func (s *session) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	launching, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	defer cancel()
	s.launched = make(chan struct{})
	s.waiting.Store(true)
	s.work.Go(func() {
		defer close(s.launched)
		s.start(launching)
		s.waiting.Store(false)
	})
	s.work.Go(s.serve)
	err := <-s.over
	if err != nil {
		s.abandon()
	}
	s.work.Wait()
	s.finish(err == nil)
}

// abandon ends the launch, or the model with the call under way.
func (s *session) abandon() {
	s.cancel()
	<-s.launched // a launch that was just then over has made a model
	if s.model != nil {
		s.model.Cancel()
	}
}

// serve reads what the client says, until the end or until another goroutine
// does.
func (s *session) serve() {
	for {
		message, seq, files, err := s.receive()
		if err != nil {
			s.over <- err
			return
		}
		switch message := message.(type) {
		case *ipc.Request:
			<-s.launched
			if !s.calling.CompareAndSwap(false, true) {
				closeAll(files)
				s.over <- fmt.Errorf("%w: a second request", ipc.ErrFrame)
				return
			}
			if s.request(message, seq, files) {
				return
			}
		case *ipc.Close:
			closeAll(files)
			s.over <- nil
			return
		default:
			if err := s.told(message, seq, files); err != nil {
				s.over <- err
				return
			}
		}
	}
}

// receive waits a moment for the next request of a client that calls again and
// again, where the kernel hands over quickest.
func (s *session) receive() (ipc.Message, uint32, []*os.File, error) {
	message, seq, files, err := s.conn.ReceiveSoon(ipc.AnyFiles)
	if err != ipc.ErrNotYet {
		return message, seq, files, err
	}
	return s.conn.Receive(ipc.AnyFiles)
}

// aloneFor is how long a call may take in the goroutine that reads. To wake
// another one for it costs more than a short call.
const aloneFor = time.Millisecond

// request makes a call and answers it. It tells whether another goroutine has
// begun to read meanwhile, as a client may say more: cancel, or what it decided.
func (s *session) request(request *ipc.Request, seq uint32, files []*os.File) (passed bool) {
	var once sync.Once
	pass := func() { once.Do(func() { passed = true; s.work.Go(s.serve) }) }
	s.aside.Store(&pass)
	s.waiting.Store(true)
	// An answer that is still being sent may be taken back.
	s.turn.Lock()
	defer s.turn.Unlock()
	timer := time.AfterFunc(aloneFor, pass)
	answer, results := s.call(request, files)
	s.waiting.Store(false)
	s.calling.Store(false)
	s.answer(answer, seq, results)
	timer.Stop()
	once.Do(func() {}) // it does not happen any more
	return passed
}

// readAside has another goroutine read: somebody waits for an answer of the
// client's to something else.
func (s *session) readAside() {
	if pass := s.aside.Load(); pass != nil {
		(*pass)()
	}
}

// told takes what is neither a request nor the end.
func (s *session) told(message ipc.Message, seq uint32, files []*os.File) error {
	switch message := message.(type) {
	case *ipc.Decision:
		closeAll(files)
		select {
		case <-s.decisions: // of a question that nobody waits for any more
		default:
		}
		s.decisions <- decision{seq, message}
	case *ipc.Delivered:
		select {
		case late := <-s.deliveries:
			closeAll(late.files)
		default:
		}
		s.deliveries <- delivery{seq, message, files}
	case *ipc.Cancel:
		closeAll(files)
		s.abandon()
	case *ipc.Attach, *ipc.Heard:
		<-s.launched
		if s.calling.Load() {
			closeAll(files)
			return fmt.Errorf("%w: a %v message during a request", ipc.ErrFrame, message.Type())
		}
		return s.line(message, seq, files)
	case *ipc.Inquire:
		closeAll(files)
		<-s.launched
		now := s.missing
		if s.model != nil {
			now = s.model.Now()
		}
		return s.sendFigures(now)
	default:
		closeAll(files)
		return fmt.Errorf("%w: a %v message from a client", ipc.ErrFrame, message.Type())
	}
	return nil
}

// start launches the model and tells the client how that went.
func (s *session) start(ctx context.Context) {
	inputs, err := s.prepare(ctx)
	if err == nil && s.server.Unable != nil {
		err = &supervisor.Cause{
			Verdict: supervisor.SetupError, Source: supervisor.FromSupervisor, Unmet: supervisor.UnmetHost, Reason: s.server.Unable.Error(),
		}
	}
	outcome := &supervisor.Outcome{}
	if err == nil {
		if s.model, outcome = s.server.Supervisor.Attempt(ctx, s.spec, inputs...); outcome != nil {
			err = outcome.Cause
		}
	}
	if err != nil {
		refused := failure(err, true)
		if outcome.Cause == nil {
			outcome.Cause = &supervisor.Cause{
				Verdict: supervisor.Verdict(refused.Verdict), Source: supervisor.Source(refused.Source), Reason: refused.Reason,
			}
		}
		s.missing = outcome
		s.answer(refused, 0, nil)
		return
	}
	s.answer(&ipc.Launched{}, 0, nil)
}

// answer sends what a launch or a call came to. A sandbox chose much of a
// reply, up to the size of a frame; with what is added it may be too much for
// one, and the client must not wait for ever.
func (s *session) answer(m ipc.Message, seq uint32, files []*os.File) {
	err := s.conn.Send(m, seq, files...)
	reply, ok := m.(*ipc.Reply)
	if err == nil || !ok {
		return
	}
	s.results.withdraw(reply.Region)
	s.conn.Send(&ipc.Failure{Verdict: string(supervisor.InvalidResult), Source: string(supervisor.FromModel),
		Reason: "the results are too many for one answer: return them as arrays", Ended: s.ended()}, seq)
}

// prepare makes a spec of the launch.
func (s *session) prepare(ctx context.Context) ([]supervisor.Input, error) {
	source, rest := s.files[0], s.files[1:]
	s.files = nil
	list, err := sources(s.launch, source)
	if err != nil {
		closeAll(rest)
		return nil, unusable(err)
	}
	if s.launch.Follow {
		if len(rest) < 2 {
			closeAll(rest)
			return nil, unusable(errors.New("a launch without the pipes to follow it by"))
		}
		pipes := rest[:2]
		rest = rest[2:]
		if err := s.followBy(pipes); err != nil {
			closeAll(rest)
			return nil, err
		}
	}
	s.spec.Files, s.spec.Function, s.spec.Env = list, s.launch.Function, s.launch.Env
	if s.launch.Seeded {
		s.spec.Seed = &s.launch.Seed
	}
	if s.launch.Ask {
		s.spec.Ask = s.ask
	}
	s.spec.Functions = s.functions()
	// A model that stays may be given arrays at any call.
	s.spec.Arrays = true
	inputs, err := s.inputs(s.launch.Args, s.launch.Regions, rest)
	if err != nil {
		return nil, unusable(err)
	}
	if err := s.server.Resolve(ctx, s.launch, &s.spec); err != nil {
		return nil, unusable(err)
	}
	return inputs, nil
}

// followBy has the model's output go into two pipes.
func (s *session) followBy(pipes []*os.File) error {
	defer closeAll(pipes)
	for _, pipe := range pipes {
		again, err := reopened(pipe, false)
		if err != nil {
			return err
		}
		s.follow = append(s.follow, again)
	}
	s.spec.Stdout, s.spec.Stderr = s.follow[0], s.follow[1]
	return nil
}

// readingTime is what a client has to read the rest of a model's output; then
// the model is closed all the same.
const readingTime = time.Second

// inputs gives arguments with the client's regions.
func (s *session) inputs(args []ipc.Arg, regions []ipc.Region, files []*os.File) ([]supervisor.Input, error) {
	defer func() { closeAll(files) }()
	var inputs []supervisor.Input
	for _, arg := range args {
		if !flat(arg.Value) {
			return nil, fmt.Errorf("input %q: arrays stand at the top, not in lists or dicts, and long text is an array", arg.Name)
		}
		in := supervisor.Input{Name: arg.Name, Value: arg.Value}
		if arg.Value.Kind == ipc.KindArray {
			if len(regions) == 0 {
				return nil, fmt.Errorf("array %q without a region", arg.Name)
			}
			region := regions[0]
			regions = regions[1:]
			if region.Passed {
				if len(files) == 0 {
					return nil, fmt.Errorf("array %q without a descriptor", arg.Name)
				}
				adopted, err := shm.Adopt(files[0])
				if err != nil {
					return nil, fmt.Errorf("array %q: %w", arg.Name, err)
				}
				files = files[1:]
				if old := s.regions[region.ID]; old != nil {
					old.Close()
				}
				s.regions[region.ID] = adopted
			}
			if in.Region = s.regions[region.ID]; in.Region == nil {
				return nil, fmt.Errorf("array %q lies in region %d, which was not passed", arg.Name, region.ID)
			}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// deliveries by number on the wire.
var deliveries = [...]supervisor.Delivery{supervisor.Copied, supervisor.Sealed, supervisor.Live}

// flat tells a value that says nothing of a region, or is an array itself: only
// arrays at the top come with one.
func flat(v ipc.Value) bool {
	for _, item := range v.List {
		if item.Kind == ipc.KindArray || !flat(item) {
			return false
		}
	}
	for _, item := range v.Dict {
		if item.Value.Kind == ipc.KindArray || !flat(item.Value) {
			return false
		}
	}
	return v.Kind != ipc.KindSpan
}

// call makes one call and gives the answer with its files.
func (s *session) call(request *ipc.Request, files []*os.File) (ipc.Message, []*os.File) {
	if s.model == nil {
		closeAll(files)
		return failure(unusable(errors.New("the model was not launched")), true), nil
	}
	s.results.release(request.Release)
	inputs, err := s.inputs(request.Args, request.Regions, files)
	if err != nil {
		return failure(unusable(err), false), nil
	}
	call := supervisor.Call{
		Inputs: inputs, Timeout: time.Duration(min(request.Timeout, 1<<62)), Results: deliveries[request.Results],
	}
	for _, out := range request.Out {
		out.Value.Ref.Name = out.Name
		call.Out = append(call.Out, out.Value.Ref)
	}
	got, err := s.model.Call(context.Background(), call)
	s.forget(request.Forget)
	if err != nil {
		return failure(err, s.ended()), nil
	}
	return s.results.reply(got, call.Results == supervisor.Live)
}

func (s *session) ended() bool {
	select {
	case <-s.model.Ended():
		return true
	default:
		return false
	}
}

func (s *session) forget(numbers []uint64) {
	for _, n := range numbers {
		if r := s.regions[n]; r != nil {
			s.model.Forget(r)
			r.Close()
			delete(s.regions, n)
		}
	}
}

// ask has the client decide. Between calls nobody listens there.
func (s *session) ask(ctx context.Context, o syscallpolicy.Operation) (syscallpolicy.Decision, bool) {
	denied := syscallpolicy.Decision{}
	if !s.waiting.Load() {
		return denied, false
	}
	s.questions.Lock()
	defer s.questions.Unlock()
	s.readAside()
	s.asked++
	question := &ipc.Question{Kind: o.Kind.String(), Target: clip(o.Target, 4096), Write: o.Write, Syscall: o.Syscall}
	if err := s.conn.Send(question, s.asked); err != nil {
		return denied, false
	}
	for {
		select {
		case d := <-s.decisions:
			// An answer that came late to the question before must not decide
			// this one.
			if d.seq == s.asked {
				return decided(d.message)
			}
		case <-ctx.Done():
			return denied, false
		}
	}
}

func decided(d *ipc.Decision) (_ syscallpolicy.Decision, always bool) {
	effect, err := syscallpolicy.ParseEffect(d.Effect)
	if err != nil {
		return syscallpolicy.Decision{}, false
	}
	return syscallpolicy.Decision{Effect: effect, Errno: unix.Errno(d.Errno), Content: string(d.Content)}, d.Always
}

func clip(s string, most int) string { return s[:min(len(s), most)] }

// finish ends the model. A client that closed it gets the report.
func (s *session) finish(tell bool) {
	defer s.conn.Close()
	closeAll(s.files)
	outcome := s.missing
	for _, pipe := range s.follow {
		pipe.SetWriteDeadline(time.Now().Add(readingTime))
	}
	if s.model != nil {
		if !tell {
			s.model.Cancel()
		}
		outcome = s.model.Close()
	}
	closeAll(s.follow)
	s.results.close()
	select {
	case late := <-s.deliveries:
		closeAll(late.files)
	default:
	}
	for _, r := range s.regions {
		r.Close()
	}
	if tell {
		s.sendFigures(outcome)
	}
}

// sendFigures sends a report in a region of its own: it may be larger than a
// frame.
func (s *session) sendFigures(o *supervisor.Outcome) error {
	text, err := s.server.Report(&s.spec, o)
	if err != nil {
		return err
	}
	region, err := shm.Frozen("report", text)
	if err != nil {
		return err
	}
	defer region.Close()
	return s.conn.Send(&ipc.Figures{Size: uint64(len(text))}, 0, region.File())
}

func unusable(err error) error {
	return &supervisor.Cause{
		Verdict: supervisor.SetupError, Source: supervisor.FromSupervisor, Unmet: supervisor.UnmetInput, Reason: err.Error(),
	}
}

// failure is an error as the client is told of it.
func failure(err error, ended bool) *ipc.Failure {
	cause, ok := errors.AsType[*supervisor.Cause](err)
	if !ok {
		cause = &supervisor.Cause{Verdict: supervisor.InternalError, Source: supervisor.FromSupervisor, Reason: err.Error()}
	}
	f := &ipc.Failure{Verdict: string(cause.Verdict), Source: string(cause.Source), Reason: clip(cause.Reason, 4096), Ended: ended}
	// A hostile process may fill a frame with any of them.
	if d := cause.Detail; d != nil {
		f.Class, f.Message, f.Traceback = clip(d.Type, 256), clip(d.Message, 8<<10), clip(d.Traceback, 32<<10)
		f.File, f.Line = clip(d.File, 1024), uint32(d.Line)
	}
	return f
}

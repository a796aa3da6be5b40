package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"hotcell/ipc"
	"hotcell/shm"
	"hotcell/supervisor"
)

// Server runs models for clients. Its fields are set before the first Serve.
type Server struct {
	Supervisor *supervisor.Supervisor
	Unable     error // why there is no Supervisor: every launch is told so
	Version    string
	Log        *slog.Logger

	// Resolve makes a launch's spec of what the client asked for: the policy,
	// the interpreter, the environment. The files are there already. Its error
	// is the client's to mend.
	Resolve func(ctx context.Context, launch *ipc.Launch, spec *supervisor.Spec) error

	// Report gives an outcome as JSON.
	Report func(spec *supervisor.Spec, o *supervisor.Outcome) ([]byte, error)
}

// maxSource bounds a model's files together, in bytes.
const maxSource = 64 << 20

// Serve serves one client until it goes away, and ends what it had running
// then. It closes conn.
func (s *Server) Serve(ctx context.Context, conn *ipc.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	var sessions sync.WaitGroup
	defer func() {
		cancel()
		sessions.Wait()
		stop()
		conn.Close()
	}()
	if err := s.greet(conn); err != nil {
		return ended(err)
	}
	for {
		message, _, files, err := conn.Receive(ipc.AnyFiles)
		if err != nil {
			return ended(err)
		}
		launch, ok := message.(*ipc.Launch)
		if !ok || len(files) < 2 {
			closeAll(files)
			return fmt.Errorf("%w: a %v message with %d descriptors, want launch", ipc.ErrFrame, message.Type(), len(files))
		}
		session, err := newSession(s, launch, files)
		if err != nil {
			closeAll(files)
			return err
		}
		sessions.Go(func() { session.run(ctx) })
	}
}

func (s *Server) greet(conn *ipc.Conn) error {
	message, _, _, err := conn.Receive(0)
	if err != nil {
		return err
	}
	open, ok := message.(*ipc.Open)
	if !ok {
		return fmt.Errorf("%w: a %v message, want open", ipc.ErrFrame, message.Type())
	}
	if s.Log != nil {
		s.Log.Info("client", "name", open.Client)
	}
	return conn.Send(&ipc.Opened{Version: s.Version, PID: uint32(os.Getpid())}, 0)
}

// ended sorts out that a client went away, which is no error.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// sources reads a launch's files out of their region.
func sources(launch *ipc.Launch, file *os.File) ([]supervisor.SourceFile, error) {
	region, err := shm.Adopt(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("the model's source: %w", err)
	}
	defer region.Close()
	if region.Size() > maxSource {
		return nil, fmt.Errorf("the model's source takes %d bytes, at most %d are allowed", region.Size(), maxSource)
	}
	all := make([]byte, region.Size())
	if _, err := region.ReadAt(all, 0); err != nil && len(all) > 0 {
		return nil, fmt.Errorf("the model's source: %w", err)
	}
	var list []supervisor.SourceFile
	for _, f := range launch.Files {
		if f.Offset > uint64(len(all)) || f.Size > uint64(len(all))-f.Offset {
			return nil, fmt.Errorf("source file %q lies outside its region", f.Path)
		}
		list = append(list, supervisor.SourceFile{
			Module: f.Module, Path: f.Path, Package: f.Package, Source: all[f.Offset : f.Offset+f.Size],
		})
	}
	if len(list) == 0 {
		return nil, errors.New("a launch without a file")
	}
	return list, nil
}

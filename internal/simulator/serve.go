package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server serves a simulator on an address of this host.
type Server struct {
	Address string // a URL
	server  *http.Server
	ended   chan error
}

// Serve starts a server; port 0 takes a free one.
func Serve(sim http.Handler, address string) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the simulator: %w", err)
	}
	s := &Server{Address: "http://" + listener.Addr().String(), ended: make(chan error, 1),
		server: &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

// Close stops the server; running requests have a second to finish.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.server.Shutdown(ctx)
	s.server.Close()
	if err := <-s.ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

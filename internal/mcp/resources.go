package mcp

import (
	"context"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"atelierd/internal/store"
)

const mimeJSON = "application/json"

// orderScheme begins the address of an order.
const orderScheme = "order://"

// addResources adds what an agent can read without a tool.
func (s *Server) addResources(server *sdk.Server) {
	for _, r := range []struct {
		uri, name, description string
		read                   func(context.Context) (object, error)
	}{
		{"orders://open", "open orders", "The orders that have not ended, the most urgent first.", s.openOrders},
		{"attention://", "what needs the owner", "What waits for a decision, with the next step.", s.attention},
		{"earnings://30d", "earnings of 30 days", "What was earned and spent in the last 30 days, by day.", s.monthEarnings},
		{"schema://", "views for query", "The views that the tool query reads, with their columns.", s.views},
	} {
		server.AddResource(&sdk.Resource{URI: r.uri, Name: r.name, Description: r.description, MIMEType: mimeJSON}, s.resource(r.name, func(ctx context.Context, _ string) (object, error) {
			return r.read(ctx)
		}))
	}
	server.AddResourceTemplate(&sdk.ResourceTemplate{
		URITemplate: orderScheme + "{id}", Name: "order", MIMEType: mimeJSON,
		Description: "One order with its thread and history, without pictures.",
	}, s.resource("order", func(ctx context.Context, uri string) (object, error) {
		o, err := s.order(ctx, strings.TrimPrefix(uri, orderScheme))
		return o.value, err
	}))
}

// resource returns what the protocol calls for a resource.
func (s *Server) resource(name string, read func(ctx context.Context, uri string) (object, error)) sdk.ResourceHandler {
	return func(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		uri, text := req.Params.URI, ""
		err := s.guarded(ctx, name, func(ctx context.Context) error {
			v, err := read(ctx, uri)
			if err != nil {
				return err
			}
			text, err = write(v)
			return err
		})
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrAmbiguous) {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: s.plain(name, err).Error()}
		}
		if err != nil {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: s.plain(name, err).Error()}
		}
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: mimeJSON, Text: text}}}, nil
	}
}

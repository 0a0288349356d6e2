// gitops-tools does to objects what Flux and Argo CD do, with their own libraries. It reads JSON on its standard input and
// prints JSON; an error ends it with 1 and one line. It is built and run by the tests beside it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const usage = `usage: gitops-tools COMMAND ...
  verdicts SCRIPT          what kstatus and the Lua script say of each object
  apply KUBECONFIG NAME    server-side apply, as a Kustomization of that name: what became of each object
  wait KUBECONFIG SECONDS  wait until all are Current, ended at once by one that is Failed
  prune KUBECONFIG NAME    delete what such a Kustomization has applied
  build FOLDER             kustomize build of a folder, with the postBuild of the Kustomization on the standard input
  template                 the Applications of {"applicationSet": ..., "parameters": [...]}`

func main() {
	answer, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) (any, error) {
	ctx := context.Background()
	if len(arguments) == 2 && arguments[0] == "verdicts" {
		objects, err := objectsFrom(os.Stdin)
		if err != nil {
			return nil, err
		}
		return verdicts(objects, arguments[1])
	}
	if len(arguments) == 3 && (arguments[0] == "apply" || arguments[0] == "wait" || arguments[0] == "prune") {
		objects, err := objectsFrom(os.Stdin)
		if err != nil {
			return nil, err
		}
		flux, err := newFlux(arguments[1])
		if err != nil {
			return nil, err
		}
		switch arguments[0] {
		case "apply":
			return flux.apply(ctx, objects, arguments[2])
		case "wait":
			return flux.wait(ctx, objects, arguments[2])
		default:
			return flux.prune(ctx, objects, arguments[2])
		}
	}
	if len(arguments) == 2 && arguments[0] == "build" {
		kustomization := unstructured.Unstructured{}
		if err := json.NewDecoder(os.Stdin).Decode(&kustomization.Object); err != nil {
			return nil, err
		}
		return build(ctx, arguments[1], kustomization)
	}
	if len(arguments) == 1 && arguments[0] == "template" {
		asked := struct {
			ApplicationSet map[string]any   `json:"applicationSet"`
			Parameters     []map[string]any `json:"parameters"`
		}{}
		if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
			return nil, err
		}
		return applications(asked.ApplicationSet, asked.Parameters)
	}
	return nil, fmt.Errorf("%s", usage)
}

// objectsFrom keeps integers as such, which kstatus asks for.
func objectsFrom(reader io.Reader) ([]*unstructured.Unstructured, error) {
	raw := []json.RawMessage{}
	if err := json.NewDecoder(reader).Decode(&raw); err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, 0, len(raw))
	for _, each := range raw {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(each); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return objects, nil
}

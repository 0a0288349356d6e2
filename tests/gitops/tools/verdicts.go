package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

type verdict struct {
	Kstatus string `json:"kstatus"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

func verdicts(objects []*unstructured.Unstructured, script string) ([]verdict, error) {
	text, err := os.ReadFile(script)
	if err != nil {
		return nil, err
	}
	found := make([]verdict, 0, len(objects))
	for _, object := range objects {
		result, err := status.Compute(object)
		if err != nil {
			return nil, fmt.Errorf("%s: kstatus: %w", object.GetName(), err)
		}
		health, err := healthInLua(object, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", object.GetName(), script, err)
		}
		health.Kstatus = result.Status.String()
		found = append(found, health)
	}
	return found, nil
}

// healthInLua runs the script as Argo CD runs one of argocd-cm: util/lua/lua.go opens package, base, table, and a library os
// with nothing but time and date; it takes one second at most.
func healthInLua(object *unstructured.Unstructured, script string) (verdict, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return verdict{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("actionParams", state.NewTable())
	raw, err := json.Marshal(object.Object)
	if err != nil {
		return verdict{}, err
	}
	value, err := luajson.Decode(state, raw)
	if err != nil {
		return verdict{}, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return verdict{}, err
	}
	answer, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return verdict{}, err
	}
	found := verdict{}
	return found, json.Unmarshal(answer, &found)
}

package mlflow_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const parts = "/api/2.0/mlflow-artifacts/mpu/"

// begin starts an upload and returns its id and the addresses of its parts.
func (h house) begin(folder, file string, n int, headers ...string) (string, []string) {
	h.t.Helper()
	body, _ := json.Marshal(map[string]any{"path": file, "num_parts": n})
	made := h.call("POST", parts+"create/"+folder, string(body), headers...)
	var addresses []string
	for i := 0; at(made, "credentials", i) != nil; i++ {
		if number := at(made, "credentials", i, "part_number"); number != float64(i+1) {
			h.t.Errorf("part %v in place %d", number, i)
		}
		addresses = append(addresses, at(made, "credentials", i, "url").(string))
	}
	return at(made, "upload_id").(string), addresses
}

// sendPart is what a client does with an address: it sends the part and nothing else.
func (h house) sendPart(address, content string) (status int, etag string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "PUT", address, strings.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, answer.Header.Get("ETag")
}

func ended(file, id string, etags ...string) string {
	list := []map[string]any{}
	for i, etag := range etags {
		list = append(list, map[string]any{"part_number": i + 1, "etag": etag, "url": "ignored"})
	}
	body, _ := json.Marshal(map[string]any{"path": file, "upload_id": id, "parts": list})
	return string(body)
}

func TestUploadInParts(t *testing.T) {
	each(t, func(h house) {
		run := h.run(`{}`)
		other := []string{"X-MLFLOW-WORKSPACE", "vision"}
		theirs := at(h.call("POST", api+"runs/create", `{}`, other...), "run", "info", "run_id").(string)
		for _, c := range []struct {
			folder, file, want string
			headers            []string
		}{
			{"0/" + run + "/artifacts/a%20b", "/home/ada/a file ü.bin", "/0/" + run + "/artifacts/a%20b/a%20file%20ü.bin", nil},
			{"0/" + run + "/artifacts", `C:\Users\ada\net.bin`, "/0/" + run + "/artifacts/net.bin", nil},
			{"0/" + theirs + "/artifacts/x", "net.bin", "/0/" + theirs + "/artifacts/x/net.bin", other},
			{"shared", "net.bin", "/shared/net.bin", nil},
		} {
			id, addresses := h.begin(c.folder, c.file, 2, c.headers...)
			var etags []string
			for i, content := range []string{"first ", "second"} {
				status, etag := h.sendPart(addresses[i], content)
				if status != 200 || !strings.HasPrefix(etag, `"`) {
					t.Errorf("%s: part %d: %d %s", c.want, i+1, status, etag)
				}
				etags = append(etags, etag)
			}
			h.call("POST", parts+"complete/"+c.folder, ended(c.file, id, etags...), c.headers...)
			if status, text := h.send("GET", proxy+c.want, "", c.headers...); status != 200 || text != "first second" {
				t.Errorf("%s: %d %s", c.want, status, text)
			}
		}
		id, addresses := h.begin("shared", "given up", 1)
		h.sendPart(addresses[0], "x")
		h.call("POST", parts+"abort/shared", ended("given up", id))
		if status, _ := h.sendPart(addresses[0], "x"); status != 403 {
			t.Errorf("after it was given up: %d", status)
		}
	})
}

// The address is the one at which the client reached the server.
func TestAddressesOfPartsLeadToTheServer(t *testing.T) {
	each(t, func(h house) {
		host := strings.TrimPrefix(h.url, "http://")
		for _, c := range []struct{ header, value, want string }{
			{"X-Own", "", "http://" + host + "/workspaces/default/"}, {"X-Forwarded-Proto", "https", "https://" + host + "/workspaces/default/"},
			{"X-Forwarded-Proto", "javascript", "http://" + host}, {"X-MLFLOW-WORKSPACE", "vision", "http://" + host + "/workspaces/vision/"},
		} {
			_, addresses := h.begin("shared", "x", 1, c.header, c.value)
			if !strings.HasPrefix(addresses[0], c.want) {
				t.Errorf("%s %s: %s", c.header, c.value, addresses[0])
			}
		}
	})
}

func TestHostileUploadsInParts(t *testing.T) {
	each(t, func(h house) {
		root := "0/" + h.run(`{}`) + "/artifacts"
		for _, path := range slices.Concat(climbing, absolute) {
			for _, call := range []string{"create/", "complete/", "abort/"} {
				address := parts + call + root + "/" + path
				if _, err := url.ParseRequestURI(address); err != nil {
					continue // net/http refuses it before any of our code
				}
				body := `{"path": "x", "num_parts": 1, "upload_id": "x", "parts": [{"part_number": 1, "etag": "x"}]}`
				if status, text := h.send("POST", address, body); status != 400 && status != 404 {
					t.Errorf("%s: %d %s", address, status, text)
				}
			}
		}
		for _, file := range []string{"", "..", "a/..", `a\..`, "/", "a/", "%2e%2e", "%252e%252e%252fx", "a#b", "x\x00", "a\nb", "C:", "file:x", ".../..."} {
			body, _ := json.Marshal(map[string]any{"path": file, "num_parts": 1})
			if status, text := h.send("POST", parts+"create/"+root, string(body)); status != 400 {
				t.Errorf("a file %q: %d %s", file, status, text)
			}
		}
		for _, c := range []struct {
			path, body string
			status     int
			text       string
		}{
			{"create/" + root, `{"path": "x", "num_parts": 10001}`, 400, "num_parts"}, {"create/" + root, `{"path": "x"}`, 400, "num_parts"},
			{"create/" + root, `{"num_parts": 1}`, 400, "path"}, {"create/" + root, `{"path": "x", "num_parts": 1e300}`, 400, "num_parts"},
			{"create/trees/" + strings.Repeat("a", 64), `{"path": "x", "num_parts": 1}`, 400, "never change"},
			{"create/0/nobody/artifacts", `{"path": "x", "num_parts": 1}`, 404, "no run"},
			{"complete/" + root, `{"path": "x"}`, 400, "upload_id"}, {"abort/" + root, `{"path": "x"}`, 400, "upload_id"},
			{"complete/" + root, `{"path": "x", "upload_id": "../x", "parts": []}`, 404, "no upload"},
			{"abort/" + root, `{"path": "x", "upload_id": "/etc"}`, 404, "no upload"},
		} {
			if status, text := h.send("POST", parts+c.path, c.body); status != c.status || !strings.Contains(text, c.text) {
				t.Errorf("%s %s: %d %s", c.path, c.body, status, text)
			}
		}
		if stored := files(h.call("GET", proxy+"?path="+root, "")); stored != nil {
			t.Errorf("the run got %v", stored)
		}
	})
}

// The address of a part is good for nothing else, and nobody makes one up.
func TestAddressesOfPartsCannotBeChanged(t *testing.T) {
	each(t, func(h house) {
		id, addresses := h.begin("shared", "x", 2)
		good, err := url.Parse(addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		signature := good.Query().Get("signature")
		address := func(ws, upload string, part any, signature string) string {
			return fmt.Sprintf("%s/workspaces/%s%sparts/%s/%v?signature=%s", h.url, ws, parts, upload, part, signature)
		}
		other, _ := h.begin("shared", "y", 2)
		for _, changed := range []string{
			address("default", id, 2, signature), address("default", other, 1, signature), address("vision", id, 1, signature),
			address("nowhere", id, 1, signature), address("default", id, 1, signature[:63]), address("default", id, 1, ""),
			address("default", id, "1x", signature), address("default", id, "..%2f1", signature), address("default", "%2e%2e", 1, signature),
			address("default", id, "99999999999999999999", signature), address("default", id, -1, signature),
		} {
			if status, _ := h.sendPart(changed, "x"); status < 400 || status >= 500 {
				t.Errorf("%s: %d", changed, status)
			}
		}
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if status, text := h.send(method, strings.TrimPrefix(addresses[0], h.url), ""); status < 400 {
				t.Errorf("%s: %d %s", method, status, text)
			}
		}
		if status, _ := h.sendPart(addresses[0], "x"); status != 200 {
			t.Errorf("as it was given: %d", status)
		}
		for _, call := range []string{"complete/shared", "abort/shared"} {
			if status, text := h.send("POST", parts+call, ended("x", id, "x", "y"), "X-MLFLOW-WORKSPACE", "vision"); status != 404 {
				t.Errorf("%s from another workspace: %d %s", call, status, text)
			}
		}
	})
}

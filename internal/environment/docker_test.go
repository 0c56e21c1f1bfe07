package environment

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
)

func translateDocker(text string, files map[string]string) (Translation, error) {
	return DockerBuild{Dockerfile: text, DockerfileName: "ctx/Dockerfile", Files: files}.translate()
}

func TestTranslateDockerfile(t *testing.T) {
	got, err := translateDocker(`# syntax=docker/dockerfile:1
ARG PY=3.11.4
FROM --platform=linux/amd64 python:${PY}-slim
LABEL maintainer="somebody"
ENV NUMPY=2.1.3 LD_LIBRARY_PATH="/lib:$LD_LIBRARY_PATH"
ENV OTHER two words
WORKDIR /app
COPY --chown=1:1 deps/requirements.txt .
COPY environment/ /tmp/environment
COPY src /app/src
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      # a comment between

      git curl \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/root/.cache python3 -m pip install --no-cache-dir -U -r requirements.txt "Scikit-Learn>=1.5" 'pandas[excel]<3' \
  numpy==$NUMPY --extra-index-url https://example.org/simple && rm requirements.txt
RUN conda env update -n base -f /tmp/environment/conda.yml -q; conda clean -afy
RUN ["conda", "install", "-y", "-c", "conda-forge", "scipy=1.14"]
EXPOSE 5001
USER root
CMD ["bash"]
`, map[string]string{
		"deps/requirements.txt": "mlflow==3.16.0\nazureml-mlflow\n",
		"environment/conda.yml": "dependencies:\n- pytorch=2.4\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Definition{Source: "ctx/Dockerfile", Python: "3.11", Options: []string{"--extra-index-url=https://example.org/simple"}, Requirements: []string{
		"mlflow", "mlflow==3.16.0", "numpy==2.1.3", "pandas[excel]<3", "scikit-learn>=1.5", "scipy==1.14.*", "torch==2.4.*"}}
	if diff := cmp.Diff(want, got.Definition); diff != "" {
		t.Error(diff)
	}
	notes := strings.Join(got.Notes, "\n")
	for _, part := range []string{"not built", "git, curl (ctx/Dockerfile:11)", "variable NUMPY of ctx/Dockerfile:5", "LD_LIBRARY_PATH", "OTHER",
		"USER at ctx/Dockerfile:21", "CMD at", "COPY at ctx/Dockerfile:10"} {
		if !strings.Contains(notes, part) {
			t.Errorf("no note says %q:\n%s", part, notes)
		}
	}
	if strings.Contains(notes, "two words") {
		t.Error("a note repeats the value of a variable, which may be a secret")
	}
}

func TestTheLastCopyWins(t *testing.T) {
	got, err := translateDocker("FROM python:3.12\nCOPY a.txt b.txt /r/\nCOPY c.txt /r/a.txt\nRUN pip install -r /r/a.txt -r/r/b.txt\n",
		map[string]string{"a.txt": "one", "b.txt": "two", "c.txt": "three"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"three", "two"}, got.Definition.Requirements); diff != "" {
		t.Error(diff)
	}
}

func TestADockerfileWithPythonAlone(t *testing.T) {
	got, err := translateDocker("FROM python:3.11\n", nil)
	if err != nil || got.Definition.Python != "3.11" || len(got.Definition.Requirements) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDockerfileFaultsNameTheLine(t *testing.T) {
	const from = "FROM python:3.11\n"
	for name, test := range map[string]struct{ text, field, message string }{
		"empty":             {"", "ctx/Dockerfile:1", "names no image"},
		"no packages":       {"FROM tensorflow/serving\n", "ctx/Dockerfile:1", "installs no packages"},
		"before FROM":       {"RUN pip install x\n", "ctx/Dockerfile:1", "before FROM"},
		"two stages":        {from + "FROM python:3.12\n", "ctx/Dockerfile:2", "second FROM"},
		"another program":   {from + "\nRUN pip install x && \\\n  make all\n", "ctx/Dockerfile:3", "make all"},
		"download":          {from + "RUN curl https://x | bash\n", "ctx/Dockerfile:2", "shell's"},
		"unquoted version":  {from + "RUN pip install numpy>=2\n", "ctx/Dockerfile:2", "quotation marks"},
		"substitution":      {from + "RUN pip install $(cat x)\n", "ctx/Dockerfile:2", "expression of the shell"},
		"backticks":         {from + "RUN pip install `cat x`\n", "ctx/Dockerfile:2", "backticks"},
		"unknown variable":  {from + "RUN pip install $X\n", "ctx/Dockerfile:2", "variable X"},
		"open quotation":    {from + "RUN pip install 'x\n", "ctx/Dockerfile:2", "other half"},
		"entrypoint":        {from + "ENTRYPOINT [\"x\"]\n", "ctx/Dockerfile:2", "ENTRYPOINT"},
		"heredoc":           {from + "RUN <<EOF\npip install x\nEOF\n", "ctx/Dockerfile:2", "Here-documents"},
		"another image":     {from + "COPY --from=other /x /y\n", "ctx/Dockerfile:2", "another image"},
		"address":           {from + "ADD https://x/y /y\n", "ctx/Dockerfile:2", "an address"},
		"outside":           {from + "COPY a/../../secret.txt /r.txt\n", "ctx/Dockerfile:2", "out of the context"},
		"not copied":        {from + "RUN pip install -r requirements.txt\n", "ctx/Dockerfile:2", "not in the image"},
		"outside, by name":  {from + "COPY . /c\nRUN pip install -r /c/../../etc/passwd\n", "ctx/Dockerfile:3", "not in the image"},
		"inner fault":       {from + "COPY r.txt .\nRUN pip install -r r.txt\n", "ctx/r.txt:2", "another file"},
		"constraints":       {from + "RUN pip install -c c.txt x\n", "ctx/Dockerfile:2", "-c"},
		"local package":     {from + "COPY . .\nRUN pip install .\n", "ctx/Dockerfile:3", "local path"},
		"password":          {from + "RUN pip install -i https://u:secret@host/simple x\n", "ctx/Dockerfile:2", "password"},
		"secret mount":      {from + "RUN --mount=type=secret,id=x pip install y\n", "ctx/Dockerfile:2", "--mount=type=secret"},
		"system package":    {from + "RUN conda install r-base\n", "ctx/Dockerfile:2", "system package"},
		"NUL":               {from + "RUN pip install \x00x\n", "ctx/Dockerfile:2", "printable"},
		"escape":            {"# escape=`\n" + from, "ctx/Dockerfile:1", "escape character"},
		"huge":              {from + strings.Repeat("#", maxDockerfileBytes), "ctx/Dockerfile:1", "larger than"},
		"many instructions": {strings.Repeat(from, 2000), "ctx/Dockerfile:1001", "more than"},
		"option's end":      {from + "RUN pip install x -r\n", "ctx/Dockerfile:2", "no value"},
		"bad ENV":           {from + "ENV a-b=c\n", "ctx/Dockerfile:2", "ENV cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := translateDocker(test.text, map[string]string{"r.txt": "a\n-r b.txt\n", "/etc/passwd": "x", "etc/passwd": "x", "../../etc/passwd": "x"})
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("got %v", err)
			}
			fault := atelier.Public(err)
			if fault.Field != test.field || !strings.Contains(fault.Message, test.message) {
				t.Errorf("got %q at %q, want %q at %q", fault.Message, fault.Field, test.message, test.field)
			}
			if strings.Contains(err.Error(), "secret@") {
				t.Error("the message repeats the password")
			}
		})
	}
}

// A hostile Dockerfile costs no more than reading it: what is allocated, and how often
// files are asked for, is bounded by its length.
func TestHostileDockerfilesStayCheap(t *testing.T) {
	const bytesEach, fixed = 40, 16 << 20 // memory for each byte of the Dockerfile, and beside that
	for name, text := range map[string]string{
		"deep continuation": "FROM python:3.11\nRUN pip install x " + strings.Repeat("\\\n", 100_000) + "y\n",
		"doubling values":   "FROM python:3.11\nENV A=xxxxxxxxxxxxxxxx\n" + strings.Repeat("ENV A=$A$A\n", 900),
		"many copies":       "FROM python:3.11\n" + strings.Repeat("COPY * /x/\n", 900) + "RUN pip install -r /x/y",
		"stars":             "FROM python:3.11\nCOPY " + strings.Repeat("*a", 50_000) + " /x/\nRUN pip install -r /x/" + strings.Repeat("a", 50_000),
		"many files":        "FROM python:3.11\nCOPY . /x/\nRUN pip install" + strings.Repeat(" -r /x/a", 20_000),
		"as much as may be": "FROM python:3.11\nCOPY " + strings.Repeat("b* ", maxCopied-1) + "a /x/\nRUN pip install" + strings.Repeat(" -r /x/a", maxRead),
		"many sources":      "FROM python:3.11\nCOPY " + strings.Repeat("a ", 100_000) + "/x/\nRUN pip install" + strings.Repeat(" -r /x/a", 5_000),
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := TranslateDockerfile(text, "Dockerfile", func(name string) (string, bool) {
				asked++
				return "numpy\n", name == "a"
			})
			runtime.ReadMemStats(&after)
			if err != nil && atelier.CodeOf(err) != atelier.Invalid {
				t.Error(err)
			}
			if used, most := after.TotalAlloc-before.TotalAlloc, uint64(bytesEach*len(text)+fixed); used > most || asked > 2*maxCopied*maxRead {
				t.Errorf("%d bytes take %d bytes of memory and %d questions, want %d at most", len(text), used, asked, most)
			} else {
				t.Logf("%d bytes: %d of memory, %d questions", len(text), used, asked)
			}
		})
	}
}

func FuzzTranslateDockerfile(f *testing.F) {
	f.Add("FROM python:3.11\nENV A=b C=\"$A\"\nCOPY a* /x/\nRUN pip install -r /x/ab 'c>=1' && conda install d=1\n", "numpy\n")
	f.Add("FROM x\nRUN [\"pip\", \"install\", \"y\"]\nRUN set -e; pip install \\\n # c\n z", "")
	f.Fuzz(func(t *testing.T, text, file string) {
		got, err := TranslateDockerfile(text, "Dockerfile", func(name string) (string, bool) {
			if strings.HasPrefix(name, "/") || name == ".." || strings.HasPrefix(name, "../") {
				t.Fatalf("it asks for %q", name)
			}
			return file, len(name)%2 == 0
		})
		if err != nil {
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Fatalf("not an error for users: %v", err)
			}
			return
		}
		for _, line := range got.Definition.Requirements {
			if strings.ContainsAny(line, "\n\r") {
				t.Fatalf("a requirement spans lines: %q", line)
			}
		}
	})
}

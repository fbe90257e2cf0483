"""What deploy/ and scripts/ ship is well formed, agrees with itself, and names what exists.

    compose.yaml ─▶ interpolated ─▶ schema        k8s/*.yaml ─▶ schema of Kubernetes ─▶ our rules
    *.Dockerfile ─▶ hadolint                      nginx/ ─▶ nginx -t
    every variable and flag ─▶ `contoso config docs`

No Docker and no cluster is needed: what can be wrong without one is looked for here.
Source: the compose file and manifests of the .NET system; Pod Security Standards "Restricted".
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import compose_spec
import kubernetes_validate
import pytest
import yaml

from support.engines import program
from support.server import ROOT, binary, run_to_end

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "k8s").glob("*.yaml"))
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
SHELL_SCRIPTS = [path for folder in ("scripts", ".ci") for path in sorted((ROOT / folder).iterdir())
                 if "bash" in path.read_text().splitlines()[0]]
# Kinds that belong to no Kubernetes release: their schemas come with a cluster's extensions.
EXTENSIONS = {"Gateway", "HTTPRoute", "Kustomization"}
SERVICES = ["order-accept", "order-notification", "order-process"]


def tool(name: str) -> str:
    """A command that came with the tests' packages."""
    return str(Path(sys.executable).parent / name)


def run(*command) -> str:
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def documents() -> list[dict]:
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())]


def of_kind(kind: str) -> dict[str, dict]:
    return {document["metadata"]["name"]: document for document in documents()
            if document["kind"] == kind}


def pod_of(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


# Compose


def interpolated(text: str, environment: dict[str, str]) -> str:
    """`${NAME:-default}`, also nested, as compose does it."""
    def value(match: re.Match) -> str:
        return environment.get(match[1]) or match[2] or ""
    while (replaced := re.sub(r"\$\{(\w+)(?::-([^${}]*))?\}", value, text)) != text:
        text = replaced
    return text


def compose(**environment: str) -> dict:
    return yaml.safe_load(interpolated((DEPLOY / "compose.yaml").read_text(), environment))


def test_the_compose_file_has_the_form_that_compose_asks_for():
    compose_spec.PyCompose.from_json(json.dumps(compose())).to_spec()


def test_the_compose_services_have_the_names_and_ports_of_the_reference():
    services = compose()["services"]

    assert {"rabbitmq", "redis", "jaeger", "otel-collector", "frontend", "order-process-migrations",
            *SERVICES} <= services.keys()
    assert services["order-accept"]["ports"] == ["8081:8080"]
    assert services["order-notification"]["ports"] == ["5006:8080", "5007:8081"]
    assert services["frontend"]["ports"] == ["4200:4200"]
    assert "ports" not in services["order-process"]
    for name in SERVICES:
        needs = services[name]["depends_on"]
        assert needs["rabbitmq"]["condition"] == needs["redis"]["condition"] == "service_healthy"
        assert needs["order-process-migrations"]["condition"] == "service_completed_successfully"


def test_the_compose_variables_reach_every_service_that_shares_them():
    services = compose(DEVJWT_SIGNING_KEY="a-key", SA_PASSWORD="secret", RABBITMQ_USER="us",
                       RABBITMQ_PASS="pw")["services"]

    for name in SERVICES:
        environment = services[name]["environment"]
        assert environment["CONTOSO_JWT__SIGNING_KEY"] == "a-key"
        assert environment["CONTOSO_DATABASE"] == "postgres://contoso:secret@postgres:5432/contoso"
        assert environment["CONTOSO_BROKER"] == "amqp://us:pw@rabbitmq:5672/"
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "secret"
    assert compose(POSTGRES_PASSWORD="first", SA_PASSWORD="second")["services"]["postgres"][
        "environment"]["POSTGRES_PASSWORD"] == "first"


def test_everything_compose_mounts_or_builds_from_exists():
    for name, service in compose()["services"].items():
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).exists(), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose()["volumes"] or (DEPLOY / source).exists(), (name, volume)


# Images


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_dockerfiles_pass_their_linter(path):
    run(tool("hadolint"), "--failure-threshold", "info", path)


def test_the_image_runs_as_nobody_asks_for_its_own_health_and_copies_what_exists():
    text = (DEPLOY / "contoso.Dockerfile").read_text()

    assert re.search(r"^USER \d+:\d+$", text, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["/usr/local/bin/contoso"\]$', text, re.MULTILINE)
    assert '"/usr/local/bin/contoso", "health"' in text
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name


def test_the_image_has_every_library_that_the_binary_links():
    text = (DEPLOY / "contoso.Dockerfile").read_text().partition("AS run")[2]
    linked = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", binary())))
    # Debian's smallest image has these; Swift's own are inside the image's binary.
    given = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2",
             "ld-linux-aarch64.so.1"}
    packages = {"libssl.so.3": "libssl3", "libcrypto.so.3": "libssl3", "libpq.so.5": "libpq5",
                "libsqlite3.so.0": "libsqlite3-0", "libhiredis.so.0.14": "libhiredis0.14",
                "librabbitmq.so.4": "librabbitmq4", "libz.so.1": "zlib1g"}

    outside = {name for name in linked - given
               if not name.startswith(("libswift", "lib_Foundation", "libFoundation"))}
    assert outside, "a binary without OpenSSL is not ours"
    assert outside <= packages.keys(), "name the package of the new library here and in the image"
    for name in outside:
        assert re.search(rf"\b{re.escape(packages[name])}(\s|$)", text), name


# Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifests_have_the_form_that_kubernetes_asks_for(path):
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] not in EXTENSIONS:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(),
                                         strict=True)


def test_the_kustomization_names_files_that_exist_and_forgets_only_the_alternatives():
    named = set(yaml.safe_load((DEPLOY / "k8s" / "kustomization.yaml").read_text())["resources"])

    assert {path.name for path in MANIFESTS} - named == {
        "kustomization.yaml", "ingress.yaml", "network-policy.yaml"}
    assert named <= {path.name for path in MANIFESTS}


def test_every_pod_is_restricted_and_bounded():
    workloads = {**of_kind("Deployment"), **of_kind("Job")}
    assert workloads.keys() == {*SERVICES, "order-process-migrations"}

    for name, workload in workloads.items():
        pod = pod_of(workload)
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


@pytest.mark.parametrize("service", SERVICES)
def test_a_rollout_keeps_capacity_and_lets_a_pod_drain(service):
    deployment = of_kind("Deployment")[service]
    settings = of_kind("ConfigMap")["contoso-orders-config"]["data"]
    pod = pod_of(deployment)
    container = pod["containers"][0]

    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert of_kind("PodDisruptionBudget")[service]["spec"]["maxUnavailable"] == 1
    needed = (container["lifecycle"]["preStop"]["sleep"]["seconds"]
              + seconds(settings["CONTOSO_DRAIN__DELAY"])
              + seconds(settings["CONTOSO_DRAIN__PERIOD"]) + 10)
    assert pod["terminationGracePeriodSeconds"] >= needed
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert all(container[probe]["timeoutSeconds"] >= 2
               for probe in ("startupProbe", "readinessProbe", "livenessProbe"))


def test_routes_and_scalers_point_at_what_exists():
    services, deployments = of_kind("Service"), of_kind("Deployment")
    for route in of_kind("HTTPRoute").values():
        for rule in route["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                ports = [port["port"] for port in services[backend["name"]]["spec"]["ports"]]
                assert backend["port"] in ports
    for ingress in of_kind("Ingress").values():
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            assert path["backend"]["service"]["name"] in services
    for scaler in of_kind("HorizontalPodAutoscaler").values():
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments
    for name, service in services.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()


def test_every_pod_is_scraped_where_it_serves_its_metrics():
    settings = of_kind("ConfigMap")["contoso-orders-config"]["data"]
    host, port = settings["CONTOSO_METRICS__LISTEN"].split(":")
    assert host == "0.0.0.0"

    for name, deployment in of_kind("Deployment").items():
        template = deployment["spec"]["template"]
        assert template["metadata"]["annotations"] == {
            "prometheus.io/scrape": "true", "prometheus.io/port": port}, name
        ports = {port["name"]: port["containerPort"]
                 for port in pod_of(deployment)["containers"][0]["ports"]}
        assert ports["metrics"] == int(port), name
    for name, service in of_kind("Service").items():
        assert [one["port"] for one in service["spec"]["ports"]] == [8080], name


def test_pods_are_scaled_by_a_metric_that_they_have():
    manual = (ROOT / "docs" / "OPERATIONS.md").read_text()
    metrics = of_kind("HorizontalPodAutoscaler")["order-notification"]["spec"]["metrics"]
    named = [metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods"]

    assert named
    assert all(f"| `{name}` | gauge |" in manual for name in named)


# What they tell the program


def known_names() -> set[str]:
    """Every flag and variable of the settings table."""
    code, table, _ = run_to_end(["config", "docs"])
    assert code == 0
    # The table has every name in backquotes, a flag with its operand.
    return set(re.findall(r"`([^` ]+)", table))


def shipped_variables() -> dict[str, str]:
    """Each variable that deploy/ gives to the program, with the file that does so."""
    found = {}
    for name in [*SERVICES, "order-process-migrations"]:
        for variable in compose()["services"][name]["environment"]:
            found[variable] = "compose.yaml"
    for variable in of_kind("ConfigMap")["contoso-orders-config"]["data"]:
        found[variable] = "config.yaml"
    for variable in of_kind("Secret")["contoso-orders-secrets"]["stringData"]:
        found[variable] = "secret.yaml"
    for workload in [*of_kind("Deployment").values(), *of_kind("Job").values()]:
        for entry in pod_of(workload)["containers"][0].get("env", []):
            found[entry["name"]] = workload["metadata"]["name"]
    text = (DEPLOY / "contoso.Dockerfile").read_text()
    for variable in re.findall(r"^(?:ENV|   ) +(\w+)=", text, re.MULTILINE):
        found[variable] = "contoso.Dockerfile"
    return found


def test_every_variable_is_one_that_the_program_reads():
    known = known_names()
    assert len(shipped_variables()) > 10

    unknown = {name: where for name, where in shipped_variables().items()
               # Read by the standard's own rules, not by the settings table.
               if name not in known and not name.startswith("OTEL_")}
    assert unknown == {}


def test_every_command_is_one_that_the_program_has():
    known = known_names()
    commands = [service["command"] for name, service in compose()["services"].items()
                if name.startswith("order-")]
    commands += [pod_of(workload)["containers"][0]["args"]
                 for workload in [*of_kind("Deployment").values(), *of_kind("Job").values()]]

    for command in commands:
        assert command[0] in ("serve", "migrate"), command
        assert {word for word in command if word.startswith("--")} <= known, command
    assert run_to_end(["health", "--help"])[0] == 0


# nginx and the scripts


def test_the_example_of_nginx_is_accepted_by_nginx(tmp_path, certificate):
    for name in ("http.conf", "routes.conf"):
        (tmp_path / name).write_text((DEPLOY / "nginx" / name).read_text())
    text = (DEPLOY / "nginx" / "nginx.conf").read_text()
    text = re.sub(r"[\w-]+\.internal:", "127.0.0.1:", text)
    text = text.replace("/etc/nginx/tls/cert.pem", str(certificate.certificate))
    text = text.replace("/etc/nginx/tls/key.pem", str(certificate.key))
    text = text.replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/nginx.pid;\n{text}")

    run(program("nginx"), "-t", "-e", "stderr", "-p", tmp_path, "-c", tmp_path / "nginx.conf")


@pytest.mark.parametrize("path", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_pass_their_linter(path):
    run("bash", "-n", path)
    run(tool("shellcheck"), path)

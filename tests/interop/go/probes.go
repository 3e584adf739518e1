// Go grpc-go: asks the gateway what the other clients ask it.
//
// Environment: HEYAN_ADDRESS, HEYAN_CA, HEYAN_CERTIFICATE, HEYAN_KEY, HEYAN_PROBES (a file of questions, see ../README.md).
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	heyanv1 "heyan/v1"
	"standard/health"
	"standard/reflectionv1"
	"standard/reflectionv1alpha"
)

// asked is the file of questions.
var asked struct {
	Answer, Refusal, Bad json.RawMessage
	BadFields            []string `json:"bad_fields"`
	Exception, Citation  string
	DeadlineMs           int `json:"deadline_ms"`
	DeadlineTimes        int `json:"deadline_times"`
	DefaultTimes         int `json:"default_times"`
	Batch                int
}

var channel = dial()
var service = heyanv1.NewVerificationServiceClient(channel)

func main() {
	check(json.Unmarshal(read("HEYAN_PROBES"), &asked) == nil, "the file of questions cannot be read")
	for _, probe := range []struct {
		name string
		run  func()
	}{
		{"answer", answer}, {"refusal", refusal}, {"error", failing}, {"error-en", failingInEnglish},
		{"chinese", chinese}, {"metadata", decisionID}, {"repeat", repeat}, {"batch", batch}, {"gzip", compressed},
		{"large", large}, {"health", healthy}, {"reflection-v1", reflectionV1},
		{"reflection-v1alpha", reflectionV1alpha}, {"unknown-method", unknownMethod}, {"cancel", cancel},
		{"deadline", deadline}, {"deadline-default", deadlineDefault},
	} {
		report(probe.name, probe.run)
	}
}

func answer() {
	response, err := service.Verify(patience(), question(asked.Answer))
	check(err == nil, err)
	same(response.GetDetermination().GetFinding(), heyanv1.Finding_FINDING_CONFIRMED)
	same(len(response.GetReceipt().GetLeafHash()), 32)
}

func refusal() {
	response, err := service.Verify(patience(), question(asked.Refusal))
	check(err == nil, err)
	same(response.GetRefusal().GetCause(), heyanv1.RefusalCause_REFUSAL_CAUSE_EXCEPTION)
	same(response.GetRefusal().GetException().GetException(), asked.Exception)
	same(response.GetRefusal().GetException().GetLegalBasis().GetKind(), heyanv1.LegalKind_LEGAL_KIND_LAW)
}

func failing() {
	_, err := service.Verify(patience(), question(asked.Bad))
	why := told(err)
	same(why.code, codes.InvalidArgument)
	same([]string{why.info.GetReason(), why.info.GetDomain()}, []string{"FIELD_INVALID", "heyan"})
	var fields []string
	for _, violation := range why.bad.GetFieldViolations() {
		fields = append(fields, violation.GetField())
	}
	sort.Strings(fields)
	same(fields, asked.BadFields)
	same(why.text.GetLocale(), "zh-CN")
	check(strings.Contains(why.text.GetMessage(), "字段"), why.text)
}

func failingInEnglish() {
	english := metadata.AppendToOutgoingContext(patience(), "accept-language", "en")
	_, err := service.Verify(english, question(asked.Bad))
	text := told(err).text
	same(text.GetLocale(), "en")
	check(len(text.GetMessage()) == len([]rune(text.GetMessage())), text)
}

func chinese() {
	response, err := service.Verify(patience(), question(asked.Answer))
	check(err == nil, err)
	detail := response.GetDetermination().GetDetail()
	same(detail.GetNameOutcome(), heyanv1.ClaimOutcome_CLAIM_OUTCOME_MATCH)
	same(detail.GetClaims()[0].GetOutcome(), heyanv1.ClaimOutcome_CLAIM_OUTCOME_MATCH)
	response, err = service.Verify(patience(), question(asked.Refusal))
	check(err == nil, err)
	same(response.GetRefusal().GetException().GetLegalBasis().GetCitation(), asked.Citation)
}

func decisionID() {
	var header metadata.MD
	response, err := service.Verify(patience(), question(asked.Answer), grpc.Header(&header))
	check(err == nil, err)
	same(header.Get("x-decision-id"), []string{response.GetDecisionId()})
}

func repeat() {
	request := question(asked.Answer)
	first, err := service.Verify(patience(), request)
	check(err == nil, err)
	second, err := service.Verify(patience(), request)
	check(err == nil && proto.Equal(first, second), second)
}

func batch() {
	both := []*heyanv1.VerifyRequest{question(asked.Answer), question(asked.Bad)}
	response, err := service.BatchVerify(patience(), &heyanv1.BatchVerifyRequest{Requests: both})
	check(err == nil && len(response.GetItems()) == 2, err)
	check(response.GetItems()[0].GetResponse() != nil, response)
	same(told(status.ErrorProto(response.GetItems()[1].GetStatus())).info.GetReason(), "FIELD_INVALID")
}

func compressed() {
	response, err := service.Verify(patience(), question(asked.Answer), grpc.UseCompressor(gzip.Name))
	check(err == nil, err)
	same(response.GetDetermination().GetFinding(), heyanv1.Finding_FINDING_CONFIRMED)
}

func large() {
	request := question(asked.Answer)
	request.ResultType = strings.Repeat("x", 1<<20)
	_, err := service.Verify(patience(), request)
	why := told(err)
	same(why.code, codes.InvalidArgument)
	same(why.info.GetReason(), "MESSAGE_TOO_LARGE")
}

func healthy() {
	client := health.NewHealthClient(channel)
	for _, name := range []string{"", "heyan.v1.VerificationService"} {
		response, err := client.Check(patience(), &health.HealthCheckRequest{Service: name})
		check(err == nil, err)
		same(response.GetStatus(), health.HealthCheckResponse_SERVING)
	}
	_, err := client.Check(patience(), &health.HealthCheckRequest{Service: "heyan.v1.None"})
	same(status.Code(err), codes.NotFound)
}

func reflectionV1() {
	stream, err := reflectionv1.NewServerReflectionClient(channel).ServerReflectionInfo(patience())
	check(err == nil, err)
	list := &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"}
	check(stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: list}) == nil, "not sent")
	response, err := stream.Recv()
	check(err == nil, err)
	check(strings.Contains(response.GetListServicesResponse().String(), "heyan.v1.VerificationService"), response)
	symbol := &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "heyan.v1.VerificationService"}
	check(stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: symbol}) == nil, "not sent")
	response, err = stream.Recv()
	check(err == nil && len(response.GetFileDescriptorResponse().GetFileDescriptorProto()) > 0, err)
}

func reflectionV1alpha() {
	stream, err := reflectionv1alpha.NewServerReflectionClient(channel).ServerReflectionInfo(patience())
	check(err == nil, err)
	list := &reflectionv1alpha.ServerReflectionRequest_ListServices{ListServices: "*"}
	check(stream.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: list}) == nil, "not sent")
	response, err := stream.Recv()
	check(err == nil, err)
	check(strings.Contains(response.GetListServicesResponse().String(), "heyan.v1.VerificationService"), response)
	symbol := &reflectionv1alpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "heyan.v1.VerificationService"}
	check(stream.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: symbol}) == nil, "not sent")
	response, err = stream.Recv()
	check(err == nil && len(response.GetFileDescriptorResponse().GetFileDescriptorProto()) > 0, err)
}

func unknownMethod() {
	err := channel.Invoke(patience(), "/heyan.v1.VerificationService/NoSuchMethod", question(asked.Answer), &heyanv1.VerifyResponse{})
	why := told(err)
	same(why.code, codes.Unimplemented)
	same(why.info.GetReason(), "METHOD_UNKNOWN")
}

func cancel() {
	cancelled, stop := context.WithCancel(patience())
	time.AfterFunc(5*time.Millisecond, stop)
	_, err := service.BatchVerify(cancelled, liveBatch())
	same(status.Code(err), codes.Canceled)
	answer()
}

func deadline() {
	for round := 0; round < asked.DeadlineTimes; round++ {
		short, stop := context.WithTimeout(context.Background(), time.Duration(asked.DeadlineMs)*time.Millisecond)
		_, err := service.BatchVerify(short, liveBatch())
		stop()
		same(status.Code(err), codes.DeadlineExceeded)
	}
}

func deadlineDefault() {
	for round := 0; round < asked.DefaultTimes; round++ {
		_, err := service.BatchVerify(context.Background(), liveBatch())
		why := told(err)
		same(why.code, codes.DeadlineExceeded)
		same(why.info.GetReason(), "DEADLINE_EXCEEDED")
	}
}

func dial() *grpc.ClientConn {
	certificate, err := tls.LoadX509KeyPair(os.Getenv("HEYAN_CERTIFICATE"), os.Getenv("HEYAN_KEY"))
	check(err == nil, err)
	authority := x509.NewCertPool()
	check(authority.AppendCertsFromPEM(read("HEYAN_CA")), "no certificate in HEYAN_CA")
	secure := credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: authority})
	channel, err := grpc.Dial(os.Getenv("HEYAN_ADDRESS"), grpc.WithTransportCredentials(secure))
	check(err == nil, err)
	return channel
}

// read reads the file that the variable of the environment names.
func read(variable string) []byte {
	bytes, err := os.ReadFile(os.Getenv(variable))
	check(err == nil, err)
	return bytes
}

// question is one of the questions, with a request id of its own.
func question(of json.RawMessage) *heyanv1.VerifyRequest {
	request := &heyanv1.VerifyRequest{}
	err := protojson.Unmarshal(of, request)
	check(err == nil, err)
	var id [16]byte
	_, err = rand.Read(id[:])
	check(err == nil, err)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	request.RequestId = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	return request
}

// liveBatch is as many questions as a batch takes, none of which is answered from memory: more than a few milliseconds of work.
func liveBatch() *heyanv1.BatchVerifyRequest {
	batch := &heyanv1.BatchVerifyRequest{}
	for len(batch.Requests) < asked.Batch {
		request := question(asked.Answer)
		request.MaxAge = &durationpb.Duration{}
		batch.Requests = append(batch.Requests, request)
	}
	return batch
}

// patience is for calls whose deadline is not what is probed.
func patience() context.Context {
	context, _ := context.WithTimeout(context.Background(), 20*time.Second)
	return context
}

// failure is what a call that must fail says.
type failure struct {
	code codes.Code
	info *errdetails.ErrorInfo
	bad  *errdetails.BadRequest
	text *errdetails.LocalizedMessage
}

func told(err error) failure {
	check(err != nil, "it did not fail")
	of := failure{code: status.Code(err)}
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			of.info = detail
		case *errdetails.BadRequest:
			of.bad = detail
		case *errdetails.LocalizedMessage:
			of.text = detail
		}
	}
	return of
}

func check(holds bool, what interface{}) {
	if !holds {
		panic(what)
	}
}

func same(seen, expected interface{}) {
	check(reflect.DeepEqual(seen, expected), fmt.Sprintf("%v instead of %v", seen, expected))
}

// report runs one probe and prints its line.
func report(name string, probe func()) {
	defer func() {
		if what := recover(); what != nil {
			fmt.Printf("not %s: %s\n", name, strings.ReplaceAll(fmt.Sprint(what), "\n", " "))
		}
	}()
	probe()
	fmt.Printf("ok %s\n", name)
}

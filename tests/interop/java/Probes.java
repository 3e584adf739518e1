// Java grpc-netty: asks the gateway what the other clients ask it.
//
// Environment: HEYAN_ADDRESS, HEYAN_CA, HEYAN_CERTIFICATE, HEYAN_KEY, HEYAN_PROBES (a file of questions, see ../README.md).

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.LocalizedMessage;
import heyan.v1.BatchVerifyRequest;
import heyan.v1.BatchVerifyResponse;
import heyan.v1.ClaimOutcome;
import heyan.v1.DeterminationDetail;
import heyan.v1.Finding;
import heyan.v1.LegalKind;
import heyan.v1.Refusal;
import heyan.v1.RefusalCause;
import heyan.v1.VerificationServiceGrpc;
import heyan.v1.VerificationServiceGrpc.VerificationServiceBlockingStub;
import heyan.v1.VerifyRequest;
import heyan.v1.VerifyResponse;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.File;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;

public final class Probes {
    interface Probe {
        void run() throws Exception;
    }

    private static final Metadata.Key<String> DECISION_ID = Metadata.Key.of("x-decision-id", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> LANGUAGE = Metadata.Key.of("accept-language", Metadata.ASCII_STRING_MARSHALLER);
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final JsonObject asked;
    private final ManagedChannel channel;

    private Probes() throws Exception {
        asked = JsonParser.parseString(Files.readString(Path.of(System.getenv("HEYAN_PROBES")))).getAsJsonObject();
        channel = NettyChannelBuilder.forTarget(System.getenv("HEYAN_ADDRESS"))
            .sslContext(GrpcSslContexts.forClient()
                .trustManager(new File(System.getenv("HEYAN_CA")))
                .keyManager(new File(System.getenv("HEYAN_CERTIFICATE")), new File(System.getenv("HEYAN_KEY")))
                .build())
            .build();
    }

    public static void main(String[] arguments) throws Exception {
        Probes probes = new Probes();
        report("answer", probes::answer);
        report("refusal", probes::refusal);
        report("error", probes::error);
        report("error-en", probes::errorInEnglish);
        report("chinese", probes::chinese);
        report("metadata", probes::metadata);
        report("repeat", probes::repeat);
        report("batch", probes::batch);
        report("gzip", probes::gzip);
        report("large", probes::large);
        report("health", probes::health);
        report("reflection-v1", probes::reflectionV1);
        report("reflection-v1alpha", probes::reflectionV1alpha);
        report("unknown-method", probes::unknownMethod);
        report("cancel", probes::cancel);
        report("deadline", probes::deadline);
        report("deadline-default", probes::deadlineDefault);
        probes.channel.shutdownNow();
    }

    private void answer() throws Exception {
        VerifyResponse response = service().verify(question("answer").build());
        same(response.getDetermination().getFinding(), Finding.FINDING_CONFIRMED);
        same(response.getReceipt().getLeafHash().size(), 32);
    }

    private void refusal() throws Exception {
        Refusal refusal = service().verify(question("refusal").build()).getRefusal();
        same(refusal.getCause(), RefusalCause.REFUSAL_CAUSE_EXCEPTION);
        same(refusal.getException().getException(), asked.get("exception").getAsString());
        same(refusal.getException().getLegalBasis().getKind(), LegalKind.LEGAL_KIND_LAW);
    }

    private void error() throws Exception {
        VerifyRequest bad = question("bad").build();
        StatusRuntimeException error = failure(() -> service().verify(bad));
        same(error.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
        same(detail(error, ErrorInfo.class).getReason(), "FIELD_INVALID");
        same(detail(error, ErrorInfo.class).getDomain(), "heyan");
        List<String> fields = new ArrayList<>();
        detail(error, BadRequest.class).getFieldViolationsList().forEach(violation -> fields.add(violation.getField()));
        fields.sort(null);
        List<String> expected = new ArrayList<>();
        asked.get("bad_fields").getAsJsonArray().forEach(field -> expected.add(field.getAsString()));
        same(fields, expected);
        LocalizedMessage text = detail(error, LocalizedMessage.class);
        same(text.getLocale(), "zh-CN");
        check(text.getMessage().contains("字段"), text.getMessage());
    }

    private void errorInEnglish() throws Exception {
        Metadata english = new Metadata();
        english.put(LANGUAGE, "en");
        VerifyRequest bad = question("bad").build();
        var asking = service().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(english));
        LocalizedMessage text = detail(failure(() -> asking.verify(bad)), LocalizedMessage.class);
        same(text.getLocale(), "en");
        check(StandardCharsets.US_ASCII.newEncoder().canEncode(text.getMessage()), text.getMessage());
    }

    private void chinese() throws Exception {
        DeterminationDetail detail = service().verify(question("answer").build()).getDetermination().getDetail();
        same(detail.getNameOutcome(), ClaimOutcome.CLAIM_OUTCOME_MATCH);
        same(detail.getClaims(0).getOutcome(), ClaimOutcome.CLAIM_OUTCOME_MATCH);
        Refusal refusal = service().verify(question("refusal").build()).getRefusal();
        same(refusal.getException().getLegalBasis().getCitation(), asked.get("citation").getAsString());
    }

    private void metadata() throws Exception {
        AtomicReference<Metadata> headers = new AtomicReference<>();
        var capturing = MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>());
        VerifyResponse response = service().withInterceptors(capturing).verify(question("answer").build());
        same(headers.get().get(DECISION_ID), response.getDecisionId());
    }

    private void repeat() throws Exception {
        VerifyRequest request = question("answer").build();
        VerifyResponse first = service().verify(request);
        same(service().verify(request), first);
    }

    private void batch() throws Exception {
        BatchVerifyResponse response = service().batchVerify(
            BatchVerifyRequest.newBuilder().addRequests(question("answer")).addRequests(question("bad")).build());
        same(response.getItemsCount(), 2);
        check(response.getItems(0).hasResponse() && response.getItems(1).hasStatus(), response);
        StatusRuntimeException error = StatusProto.toStatusRuntimeException(response.getItems(1).getStatus());
        same(detail(error, ErrorInfo.class).getReason(), "FIELD_INVALID");
    }

    private void gzip() throws Exception {
        VerifyResponse response = service().withCompression("gzip").verify(question("answer").build());
        same(response.getDetermination().getFinding(), Finding.FINDING_CONFIRMED);
    }

    private void large() throws Exception {
        VerifyRequest request = question("answer").setResultType("x".repeat(1 << 20)).build();
        StatusRuntimeException error = failure(() -> service().verify(request));
        same(error.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
        same(detail(error, ErrorInfo.class).getReason(), "MESSAGE_TOO_LARGE");
    }

    private void health() throws Exception {
        var health = HealthGrpc.newBlockingStub(channel).withDeadlineAfter(20, SECONDS);
        for (String name : new String[] {"", "heyan.v1.VerificationService"}) {
            var response = health.check(HealthCheckRequest.newBuilder().setService(name).build());
            same(response.getStatus(), ServingStatus.SERVING);
        }
        var unknown = HealthCheckRequest.newBuilder().setService("heyan.v1.None").build();
        same(failure(() -> health.check(unknown)).getStatus().getCode(), Status.Code.NOT_FOUND);
    }

    private void reflectionV1() throws Exception {
        Received<io.grpc.reflection.v1.ServerReflectionResponse> received = new Received<>();
        var asking = io.grpc.reflection.v1.ServerReflectionGrpc.newStub(channel).withDeadlineAfter(20, SECONDS)
            .serverReflectionInfo(received);
        asking.onNext(io.grpc.reflection.v1.ServerReflectionRequest.newBuilder().setListServices("*").build());
        var listed = received.next().getListServicesResponse();
        check(listed.toString().contains("\"heyan.v1.VerificationService\""), listed);
        asking.onNext(io.grpc.reflection.v1.ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("heyan.v1.VerificationService").build());
        check(received.next().getFileDescriptorResponse().getFileDescriptorProtoCount() > 0, "no descriptor");
        asking.onCompleted();
    }

    private void reflectionV1alpha() throws Exception {
        Received<io.grpc.reflection.v1alpha.ServerReflectionResponse> received = new Received<>();
        var asking = io.grpc.reflection.v1alpha.ServerReflectionGrpc.newStub(channel).withDeadlineAfter(20, SECONDS)
            .serverReflectionInfo(received);
        asking.onNext(io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder().setListServices("*").build());
        var listed = received.next().getListServicesResponse();
        check(listed.toString().contains("\"heyan.v1.VerificationService\""), listed);
        asking.onNext(io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("heyan.v1.VerificationService").build());
        check(received.next().getFileDescriptorResponse().getFileDescriptorProtoCount() > 0, "no descriptor");
        asking.onCompleted();
    }

    private void unknownMethod() throws Exception {
        MethodDescriptor<VerifyRequest, VerifyResponse> method = VerificationServiceGrpc.getVerifyMethod().toBuilder()
            .setFullMethodName("heyan.v1.VerificationService/NoSuchMethod").build();
        VerifyRequest request = question("answer").build();
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(20, SECONDS);
        StatusRuntimeException error = failure(() -> ClientCalls.blockingUnaryCall(channel, method, options, request));
        same(error.getStatus().getCode(), Status.Code.UNIMPLEMENTED);
        same(detail(error, ErrorInfo.class).getReason(), "METHOD_UNKNOWN");
    }

    private void cancel() throws Exception {
        BatchVerifyRequest batch = liveBatch();
        ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
        Context.CancellableContext context = Context.current().withCancellation();
        later.schedule(() -> context.cancel(null), 5, MILLISECONDS);
        StatusRuntimeException error = failure(() -> context.run(() -> service().batchVerify(batch)));
        later.shutdown();
        same(error.getStatus().getCode(), Status.Code.CANCELLED);
        answer();
    }

    private void deadline() throws Exception {
        int times = asked.get("deadline_times").getAsInt();
        int allowed = asked.get("deadline_ms").getAsInt();
        for (int time = 0; time < times; time++) {
            BatchVerifyRequest batch = liveBatch();
            StatusRuntimeException error = failure(() -> VerificationServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(allowed, MILLISECONDS).batchVerify(batch));
            same(error.getStatus().getCode(), Status.Code.DEADLINE_EXCEEDED);
        }
    }

    private void deadlineDefault() throws Exception {
        int times = asked.get("default_times").getAsInt();
        for (int time = 0; time < times; time++) {
            BatchVerifyRequest batch = liveBatch();
            StatusRuntimeException error =
                failure(() -> VerificationServiceGrpc.newBlockingStub(channel).batchVerify(batch));
            same(error.getStatus().getCode(), Status.Code.DEADLINE_EXCEEDED);
            same(detail(error, ErrorInfo.class).getReason(), "DEADLINE_EXCEEDED");
        }
    }

    /** The service, patient enough where the deadline is not what is probed. */
    private VerificationServiceBlockingStub service() {
        return VerificationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, SECONDS);
    }

    /** One of the questions, with a request id of its own. */
    private VerifyRequest.Builder question(String name) throws InvalidProtocolBufferException {
        VerifyRequest.Builder request = VerifyRequest.newBuilder();
        JsonFormat.parser().merge(asked.get(name).toString(), request);
        return request.setRequestId(UUID.randomUUID().toString());
    }

    /** As many questions as a batch takes, none of which is answered from memory: more than a few milliseconds of work. */
    private BatchVerifyRequest liveBatch() throws InvalidProtocolBufferException {
        BatchVerifyRequest.Builder batch = BatchVerifyRequest.newBuilder();
        while (batch.getRequestsCount() < asked.get("batch").getAsInt()) {
            batch.addRequests(question("answer").setMaxAge(Duration.getDefaultInstance()));
        }
        return batch.build();
    }

    private static StatusRuntimeException failure(Probe call) throws Exception {
        try {
            call.run();
        } catch (StatusRuntimeException error) {
            return error;
        }
        throw new AssertionError("it did not fail");
    }

    private static <T extends Message> T detail(StatusRuntimeException error, Class<T> type) throws Exception {
        for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
            if (detail.is(type)) {
                return detail.unpack(type);
            }
        }
        throw new AssertionError("no " + type.getSimpleName() + " in " + error);
    }

    private static void check(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(String.valueOf(what));
        }
    }

    private static void same(Object seen, Object expected) {
        check(expected.equals(seen), seen + " instead of " + expected);
    }

    /** Runs one probe and prints its line. */
    private static void report(String name, Probe probe) {
        try {
            probe.run();
            OUT.println("ok " + name);
        } catch (Throwable error) {
            OUT.println("not " + name + ": " + String.valueOf(error).replace('\n', ' '));
        }
    }

    /** What a stream has answered. */
    private static final class Received<T> implements StreamObserver<T> {
        private final LinkedBlockingQueue<Object> answers = new LinkedBlockingQueue<>();

        @SuppressWarnings("unchecked")
        T next() throws Exception {
            Object answer = answers.poll(20, SECONDS);
            check(answer != null && !(answer instanceof Throwable), answer);
            return (T) answer;
        }

        @Override
        public void onNext(T answer) {
            answers.add(answer);
        }

        @Override
        public void onError(Throwable error) {
            answers.add(error);
        }

        @Override
        public void onCompleted() {}
    }
}

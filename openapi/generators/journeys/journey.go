// Registers a user, fails to register the same name again, logs in and reads the account: the name is the first argument.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"example.org/team/ostiary"
)

const password = "correct horse battery staple"

// problem returns what the server answered in place of what was asked for.
func problem(err error) any {
	var answered *ostiary.GenericOpenAPIError
	if !errors.As(err, &answered) {
		log.Fatal("no answer: ", err)
	}
	return answered.Model()
}

func main() {
	ctx, username := context.Background(), os.Args[1]
	client := ostiary.NewAPIClient(ostiary.NewConfiguration())

	registered, _, err := client.AuthAPI.Register(ctx).RegisterBody(*ostiary.NewRegisterBody(username, password)).Execute()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("registered", registered.User.Username)

	_, _, err = client.AuthAPI.Register(ctx).RegisterBody(*ostiary.NewRegisterBody(username, password)).Execute()
	taken, ok := problem(err).(ostiary.IdempotencyKeyInUseOrUsernameTakenProblem)
	if ok && taken.UsernameTakenProblem != nil {
		fmt.Println("refused", taken.UsernameTakenProblem.Code)
	}
	_, _, err = client.MeAPI.GetMe(ctx).Execute()
	anonymous, ok := problem(err).(ostiary.AuthenticationRequiredOrInvalidTokenProblem)
	if ok && anonymous.AuthenticationRequiredProblem != nil {
		fmt.Println("refused", anonymous.AuthenticationRequiredProblem.Code)
	}

	pair, _, err := client.AuthAPI.Login(ctx).LoginBody(*ostiary.NewLoginBody(username, password)).Execute()
	if err != nil {
		log.Fatal(err)
	}
	authenticated := context.WithValue(ctx, ostiary.ContextAccessToken, pair.AccessToken)
	me, _, err := client.MeAPI.GetMe(authenticated).Execute()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in", me.Username)
}
